"""The address of a repository without its credentials, which must not leave the machine."""

from __future__ import annotations

import re

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SCP = re.compile(r"(?:([^/]*)@)?([^/@:]{2,}):((?!/?/).*)", re.DOTALL)
_PORT = re.compile(r"\d*")


def without_credentials(address: str) -> str:
    """Return what the installation would keep: no password, no query and, except over ssh, no user name.

    Over https the user name may be a token.
    """
    address = address.strip()
    if url := _URL.fullmatch(address):
        scheme, rest = url.groups()
        user, place = _split(rest)
        return f"{scheme}://{_login(user) if 'ssh' in scheme.lower() else ''}{_without_query(place)}"
    if scp := _SCP.fullmatch(address):
        user, host, path = scp.groups()
        return f"{_login(user or '')}{host}:{_without_query(path)}"
    return address


def _split(rest: str) -> tuple[str, str]:
    """Return the user part and what follows it. If a password has a slash, what looks like the port isn't a number."""
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        user, _, host = authority.rpartition("@")
        return user, f"{host}{slash}{path}"
    if ":" in authority and not _PORT.fullmatch(authority.rpartition(":")[2]) and "@" in path:
        user, _, place = rest.rpartition("@")
        return user, place
    return "", rest


def _login(user: str) -> str:
    name = user.partition(":")[0]
    return f"{name}@" if name else ""


def _without_query(place: str) -> str:
    return re.split(r"[?#]", place, maxsplit=1)[0]
