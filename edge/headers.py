"""Headers in ASGI form, with lower-case names: of requests, and those that every response has."""

import os
import re
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # a service that is starting answers before Litestar is loaded
    from litestar.types import Scope

D = TypeVar("D")
CACHE_CONTROL = (b"cache-control", b"private, no-cache")  # of a response that sets none
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
# The client's id if it has this form, else a new one. The response, errors and log lines contain it.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID_LETTERS, _IDS_AT_ONCE = 24, 256
_ids: list[str] = []  # made in advance: a system call for each would take longer than all else here
os.register_at_fork(after_in_child=_ids.clear)


def request_id_of(scope: "Scope") -> str:
    """Return the id of a request."""
    given = find_header(scope, b"x-request-id", "")
    if given and _REQUEST_ID.fullmatch(given):
        return given
    if not _ids:
        random = token_hex(_ID_LETTERS * _IDS_AT_ONCE // 2)
        _ids.extend(random[begin : begin + _ID_LETTERS] for begin in range(0, len(random), _ID_LETTERS))
    return _ids.pop()


def joined_header(scope: "Scope", name: bytes) -> str:
    """Return the values of a header, which may come in several lines, as one list."""
    return b",".join([value for given, value in scope["headers"] if given == name]).decode("latin-1")


def find_header(scope: "Scope", name: bytes, default: D) -> str | D:
    """Return the first header with this name, else ``default``. Litestar's `Headers` would decode all of them first."""
    for given, value in scope["headers"]:
        if given == name:
            return value.decode("latin-1")
    return default
