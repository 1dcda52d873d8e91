"""The remote URL of a repository, without credentials, and its slug (`acme/backend`)."""

import re
from typing import NamedTuple

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_SCP = re.compile(r"(?:(?P<user>[^/]*)@)?(?P<host>[^/@:]{2,}):(?P<path>(?!/?/).*)", re.DOTALL)
_PORT = re.compile(r"\d*")


class Remote(NamedTuple):
    """A remote URL without credentials, and the slug of its repository, if it has one."""

    url: str
    repo: str | None


def clean_remote(url: str) -> Remote:
    """Remove credentials and derive the slug; scp-like, ssh and https, with or without ``.git``."""
    url = url.strip()
    if match := _URL.fullmatch(url):
        userinfo, address = _split_userinfo(match["rest"])
        address = _without_query(address)
        host, _, path = address.partition("/")
        # Over https even a bare user name may be a token.
        user = _login(userinfo) if "ssh" in match["scheme"].lower() else ""
        return Remote(f"{match['scheme']}://{user}{address}", _slug(path) if host else None)
    if match := _SCP.fullmatch(url):
        user = _login(match["user"])
        path = _without_query(match["path"])
        return Remote(f"{user}{match['host']}:{path}", _slug(path))
    return Remote(url, None)  # a path on a disk, or an unknown form


def _split_userinfo(rest: str) -> tuple[str | None, str]:
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        userinfo, _, host = authority.rpartition("@")
        return userinfo, f"{host}{slash}{path}"
    # The password has an unescaped slash: the apparent port isn't one, and the real host follows an @.
    if ":" in authority and not _PORT.fullmatch(authority.rpartition(":")[2]) and "@" in path:
        userinfo, _, address = rest.rpartition("@")
        return userinfo, address
    return None, rest


def _login(userinfo: str | None) -> str:
    """Return `git@` for `git:secret`: over ssh the name is part of the address, a password never is."""
    name = (userinfo or "").partition(":")[0]
    return f"{name}@" if name else ""


def _without_query(address: str) -> str:
    return re.split(r"[?#]", address, maxsplit=1)[0]


def _slug(path: str) -> str | None:
    return path.strip("/").removesuffix(".git").strip("/") or None
