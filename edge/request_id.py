"""One id per request: the client's if it is sane, else a new one. It is in each reply, error and log line."""

import re
from secrets import token_hex
from typing import cast

from litestar.types import Scope

_VALID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY = "request_id"


def assign_request_id(scope: Scope) -> str:
    """Choose the id and keep it in the scope."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = given.decode() if _VALID.fullmatch(given) else token_hex(12)
    scope[_KEY] = request_id  # type: ignore[literal-required]  # a key of our own beside ASGI's
    return request_id


def request_id_of(scope: Scope) -> str:
    """The id chosen for this request."""
    return cast(str, scope.get(_KEY, ""))
