"""Errors that are replies. Everything a handler may raise ends in the one error shape.

::

    ApiError                 what a handler says on purpose, with its status and code
    Litestar HTTPException   unknown route 404, wrong method 405, wrong parameter 422, body too large 413
    msgspec ValidationError  422 with the path of the field
    msgspec DecodeError, RecursionError, UnicodeDecodeError  400
    LogUnavailable           503, the same request may be sent again; so may one with 408
    anything else            500 `internal`, logged with its trace; the reply says nothing of it
"""

from collections.abc import Mapping
from typing import Any

_NONE: Mapping[str, Any] = {}


class ApiError(Exception):
    """A reply that is no success: status, code in snake_case, one sentence, and what is wrong with which field."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] = _NONE,
        headers: Mapping[str, str] = _NONE,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


def not_found() -> ApiError:
    """Unknown here: also what belongs to another org, or to another user where the role may not see it."""
    return ApiError(404, "not_found", "There is nothing here under this address.")


def unauthenticated() -> ApiError:
    """No credential, or one that opens nothing; why is not told."""
    message = "A valid bearer token is needed in the Authorization header."
    return ApiError(401, "unauthenticated", message, headers={"WWW-Authenticate": "Bearer"})


def forbidden() -> ApiError:
    """The caller is known, and their role may not do this."""
    return ApiError(403, "forbidden", "Your role does not allow this.")


def invalid(details: Mapping[str, list[str]]) -> ApiError:
    """Well-formed, but wrong: field (by its path) to what is wrong with it."""
    return ApiError(422, "invalid", "The request is well-formed, but some of its values are not valid.", details)


def slow_body() -> ApiError:
    """The body does not arrive, or too slowly; the same request may be sent again."""
    message = "The body did not arrive in time; send the same request again."
    return ApiError(408, "slow_body", message, headers={"Connection": "close"})


def unavailable(code: str, message: str, retry_after_s: int = 1) -> ApiError:
    """A part we depend on is away; the same request may be sent again."""
    return ApiError(503, code, message, headers={"Retry-After": str(retry_after_s)})
