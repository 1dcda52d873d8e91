"""One id per request: the client's if valid, else a new one. Responses, errors and log lines contain it."""

import re
from secrets import token_hex
from typing import cast

from litestar.types import Scope

_VALID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY = "request_id"


def assign_request_id(scope: Scope) -> str:
    """Choose the id and store it in the scope."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = given.decode() if _VALID.fullmatch(given) else token_hex(12)
    scope[_KEY] = request_id  # type: ignore[literal-required]  # our key, not one of ASGI's
    return request_id


def request_id_of(scope: Scope) -> str:
    """Return the id of this request."""
    return cast(str, scope.get(_KEY, ""))
