"""Headers in ASGI form, with lower-case names: of requests, and those that every response has."""

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


def request_id_of(scope: "Scope") -> str:
    """Return the id of a request."""
    given = find_header(scope, b"x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else token_hex(12)


def find_header(scope: "Scope", name: bytes, default: D) -> str | D:
    """Return the first header with this name, else ``default``. Litestar's `Headers` would decode all of them first."""
    for given, value in scope["headers"]:
        if given == name:
            return value.decode("latin-1")
    return default
