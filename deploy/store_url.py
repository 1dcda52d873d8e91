"""`STORE_URL`: where the store is. ``chdb:///dir`` or ``clickhouse://user:password@host:port/database``.

The engine in this process gets its caches by the URL too: ``chdb:///dir?cache_bytes_max=268435456``.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from msgspec import Struct

from deploy.settings import ENGINE_CACHE_BYTES_MAX, BadSettings

CONTROL_DATABASE = "crewkit"
ENGINE_CONFIG = Path(__file__).with_name("embedded_engine.xml")
CACHE_BYTES_MIN = 8 << 20
# Those that our tables fill. By itself the engine lets most of them grow to gigabytes, each.
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


class StoreAddress(Struct, frozen=True):
    """``options`` are those of `clickhouse_connect.get_client`; ``control`` is the database that lists generations."""

    options: dict[str, Any]
    control: str = CONTROL_DATABASE

    def database(self, generation: str) -> str:
        """The database of one generation."""
        return f"{self.control}_{generation}"

    def at(self, database: str) -> dict[str, Any]:
        """Options of a client whose current database is ``database``."""
        return {**self.options, "database": database}


def parse_store_url(url: str) -> StoreAddress:
    """Read a store URL.

    Raises:
        BadSettings: with what is wrong and an example.
    """
    parts = urlsplit(url)
    if parts.scheme == "chdb" and not parts.netloc and parts.path not in ("", "/"):
        return StoreAddress({"interface": "chdb", "path": _engine(Path(parts.path).absolute(), parts.query)})
    if parts.scheme == "clickhouse" and parts.hostname:
        options = {
            "host": parts.hostname,
            "port": parts.port or 8123,
            "username": unquote(parts.username or "default"),
            "password": unquote(parts.password or ""),
        }
        return StoreAddress(options, parts.path.strip("/") or CONTROL_DATABASE)
    raise BadSettings("STORE_URL is chdb:///absolute/folder or clickhouse://user:password@host:port/database")


def _engine(folder: Path, query: str) -> str:
    """The engine's own address: its folder, its configuration, and what each cache may hold."""
    given = parse_qs(query).get("cache_bytes_max", [str(ENGINE_CACHE_BYTES_MAX)])[-1]
    if not given.isdecimal() or int(given) < CACHE_BYTES_MIN:
        raise BadSettings(f"engine_cache_bytes_max: at least {CACHE_BYTES_MIN} bytes, not {given}")
    sizes = dict.fromkeys(_CACHES, int(given) // len(_CACHES))
    return f"{folder}?config-file={quote(str(ENGINE_CONFIG))}&{urlencode(sizes)}"
