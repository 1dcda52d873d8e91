"""Parses `STORE_URL`: ``chdb:///dir`` or ``clickhouse://user:password@host:port/database?secure=true``.

For the in-process engine, the URL also limits its caches: ``chdb:///dir?cache_bytes_max=268435456``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlencode

from msgspec import structs

from runtime.settings.settings import ENGINE_CACHE_BYTES_MAX, BadSettings, Settings
from runtime.settings.tls import TlsFiles, secret_of, tls_context
from runtime.settings.url_parts import port_of, query_of, refuse, split
from store.address import CONTROL_DATABASE, StoreAddress
from store.replicas import Host, Replicas

ENGINE_CONFIG = Path(__file__).with_name("embedded_engine.xml")
CACHE_BYTES_MIN = 8 << 20
_FORMS = (
    "chdb:///absolute/folder or clickhouse://user:password@host:port/database[?secure=true] or, for replicas, "
    "clickhouse://user:password@host:port,host:port/database?replicated=true[&secure=true]"
)
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT, _TLS_PORT = 8123, 8443
# The caches that our tables fill. By default, most of them may grow to gigabytes.
_CACHES = (
    "mark_cache_size",
    "primary_index_cache_size",
    "index_mark_cache_size",
    "text_index_tokens_cache_size",
    "text_index_header_cache_size",
    "text_index_postings_cache_size",
    "query_condition_cache_size",
    "compiled_expression_cache_size",
)


def store_address(settings: Settings) -> StoreAddress:
    """Return the store that the settings name, with the password and certificates from files. Raises `BadSettings`."""
    store = parse_store_url(settings.store)
    if store.is_embedded:
        return store
    files = TlsFiles("store", settings.store_ca_file, settings.store_cert_file, settings.store_key_file)
    options = dict(store.options)
    if settings.store_password_file:
        if options["password"]:
            raise BadSettings("store_password_file: store_url contains a password too; remove it there")
        options["password"] = secret_of("store_password_file", settings.store_password_file)
    if options.get("secure"):
        tls_context(files)  # raises if a file is wrong
        paths = {"ca_cert": files.ca, "client_cert": files.cert, "client_cert_key": files.key}
        options |= {name: path for name, path in paths.items() if path}
        if files.cert and options["password"]:
            options["tls_mode"] = "strict"  # the password authenticates us, not the certificate
    elif files.given:
        raise BadSettings(f"{files.given[0]} has no effect without TLS: add ?secure=true to store_url")
    return structs.replace(store, options=options)


def parse_store_url(url: str) -> StoreAddress:
    """Parse a store URL. Raises `BadSettings`: the URL is wrong; the message names the part and gives an example."""
    parts = split("STORE_URL", url, _FORMS)
    if parts.scheme == "chdb" and not parts.netloc and parts.path not in ("", "/"):
        query = query_of("STORE_URL", parts, ("cache_bytes_max",), _FORMS)
        return StoreAddress({"interface": "chdb", "path": _engine(Path(parts.path).absolute(), query)})
    if parts.scheme == "clickhouse" and parts.hostname:
        options, database = _server(parts), parts.path.strip("/") or CONTROL_DATABASE
        if not _DATABASE.fullmatch(database):
            raise refuse("STORE_URL", f"{database!r} is not a database name: only letters, digits and _", _FORMS)
        return StoreAddress(options, database)
    raise BadSettings(f"STORE_URL must be {_FORMS}")


def _server(parts: SplitResult) -> dict[str, Any]:
    query = query_of("STORE_URL", parts, ("secure", "replicated"), _FORMS)
    has_tls, is_replicated = _switch(query, "secure"), _switch(query, "replicated")
    addresses = parts.netloc.rpartition("@")[2].split(",")
    hosts = [_host(parts, text, _TLS_PORT if has_tls else _PORT) for text in addresses]
    if len(hosts) > 1 and not is_replicated:
        raise refuse("STORE_URL", "several hosts must be replicas of each other: add replicated=true after ?", _FORMS)
    if len(set(hosts)) < len(hosts):
        raise refuse("STORE_URL", "a host appears twice", _FORMS)
    return {
        "host": hosts[0].name,
        "port": hosts[0].port,
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        **({"secure": True, "verify": True} if has_tls else {}),
        **({"replicas": Replicas(hosts)} if is_replicated else {}),
    }


def _host(parts: SplitResult, text: str, default_port: int) -> Host:
    one = parts._replace(netloc=text)
    if not one.hostname:
        raise refuse("STORE_URL", "a host has no name", _FORMS)
    return Host(one.hostname, port_of("STORE_URL", one, default_port))


def _switch(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise refuse("STORE_URL", f"{name} must be true or false, not {value!r}", _FORMS)
    return value == "true"


def _engine(folder: Path, query: dict[str, str]) -> str:
    """Return the engine's address: its folder, its configuration and the size of each cache."""
    given = query.get("cache_bytes_max", str(ENGINE_CACHE_BYTES_MAX))
    if not given.isdecimal() or int(given) < CACHE_BYTES_MIN:
        raise BadSettings(f"engine_cache_bytes_max must be at least {CACHE_BYTES_MIN} bytes, not {given}")
    sizes = dict.fromkeys(_CACHES, int(given) // len(_CACHES))
    return f"{folder}?config-file={quote(str(ENGINE_CONFIG))}&{urlencode(sizes)}"
