"""Errors with an HTTP response. Every exception of a handler becomes a response of one shape.

::

    ApiError                 an intended error response, with its status and code
    Litestar HTTPException   unknown route 404, wrong method 405, wrong parameter 422, body too large 413
    msgspec ValidationError  422 with the path of the field
    msgspec DecodeError, RecursionError, UnicodeDecodeError  400
    LogUnavailable           503; the client may send the same request again, as after 408
    anything else            500 `internal`, logged with its trace; the response hides it
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

_NONE: Mapping[str, Any] = {}


class ApiError(Exception):
    """An error response: status, code in snake_case, one sentence, and the errors by field."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] = _NONE,
        headers: Mapping[str, str] = _NONE,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = details, headers


# Unknown, in another org, or of another user whose data the role may not see.
not_found = partial(ApiError, 404, "not_found", "There is nothing at this address.")
# Whatever is sent for it would be erased as well.
session_erased = partial(ApiError, 410, "session_erased", "This session was erased and accepts nothing more.")
# The caller's role does not allow the action.
forbidden = partial(ApiError, 403, "forbidden", "Your role does not allow this.")
invalid_json = partial(ApiError, 400, "invalid_json", "The body is not valid JSON.")


def already_erased(erasure: UUID) -> ApiError:
    """Return 409: nothing is left to erase. ``details`` names the erasure that came first."""
    return ApiError(409, "already_erased", "All of this was erased before.", {"erasure": [str(erasure)]})


def not_certified(state: str, waits_for: list[str]) -> ApiError:
    """Return 409: an erasure has no certificate yet. ``details`` says how far it is, and what it waits for."""
    message = "This erasure is not certified yet."
    return ApiError(409, "not_certified", message, {"state": [state], "waits_for": waits_for})


def unauthenticated() -> ApiError:
    """Return 401: the token is missing or not valid. The response does not say why."""
    message = "The Authorization header must contain a valid bearer token."
    return ApiError(401, "unauthenticated", message, headers={"WWW-Authenticate": "Bearer"})


def invalid(details: Mapping[str, list[str]]) -> ApiError:
    """Return 422: ``details`` maps the path of each wrong field to its errors."""
    return ApiError(422, "invalid", "The request is well-formed, but some of its values are not valid.", details)


def slow_body() -> ApiError:
    """Return 408: the body did not arrive in time. The client may send the same request again."""
    message = "The body did not arrive in time; send the same request again."
    return ApiError(408, "slow_body", message, headers={"Connection": "close"})


def unavailable(code: str, message: str, retry_after_s: int = 1) -> ApiError:
    """Return 503: a dependency is unavailable. The client may send the same request again."""
    return ApiError(503, code, message, headers={"Retry-After": str(retry_after_s)})


def log_unavailable() -> ApiError:
    """Return 503: the log does not accept the write."""
    return unavailable("log_unavailable", "The log can't accept this right now; send the same request again.")
