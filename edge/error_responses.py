"""Turn exceptions into error responses. This is the only place that builds error bodies."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from structlog.contextvars import get_contextvars

from edge.errors import ApiError, invalid, invalid_json, log_unavailable, not_found, unauthenticated
from edge.validation_messages import explain
from schemas.http.responses import ErrorBody
from schemas.log.position import LogUnavailable

logger = structlog.get_logger()

_MISSING = re.compile(r"^Missing required .*'(.+?)'")


def respond_to_error(_request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    """Return the response for an exception that was raised during a request."""
    problem = _as_api_error(error)
    if problem is None:
        logger.exception("unexpected_error", exc_info=error)
        problem = ApiError(500, "internal", "The service failed unexpectedly.")
    body = ErrorBody(problem.message, problem.code, dict(problem.details), get_contextvars().get("request_id", ""))
    return Response(body, status_code=problem.status, headers=dict(problem.headers), media_type=MediaType.JSON)


def _as_api_error(error: Exception) -> ApiError | None:
    for kind, translate in _TRANSLATIONS:
        if isinstance(error, kind):
            return translate(error)
    return None


def _from_validation(error: Exception) -> ApiError:
    path, sentence = explain(str(error))
    return invalid({path: [sentence]})


def _from_syntax(_error: Exception) -> ApiError:
    return invalid_json()


def _from_parameters(error: Exception) -> ApiError | None:
    known = cast(ValidationException, error)
    if missing := _MISSING.search(known.detail):
        return invalid({missing[1]: ["is required"]})
    extra = known.extra if isinstance(known.extra, list) else [{"message": known.detail}]
    # Path ids are strings, so they are never wrong here. Litestar lists those that the handler does not declare.
    faults = [(item.get("key") or "body", item.get("message", "")) for item in extra if item.get("source") != "path"]
    # Parameters are always strings, so the sentences leave that out.
    return invalid({name: [explain(message)[1].removesuffix(", not a string")] for name, message in faults})


def _from_http(error: Exception) -> ApiError | None:
    """Translate Litestar's errors: unknown routes, methods, bodies. None for a 500, which is unexpected."""
    known = cast(HTTPException, error)
    make = _BY_STATUS.get(known.status_code)
    return make(known) if make else None


def _method_not_allowed(error: HTTPException) -> ApiError:
    allow = (error.headers or {}).get("allow", "")
    return ApiError(405, "method_not_allowed", "This address does not support this method.", headers={"Allow": allow})


too_large = partial(ApiError, 413, "too_large", "The request is too large.")

_BY_STATUS: dict[int, Callable[[HTTPException], ApiError]] = {
    400: lambda _error: ApiError(400, "bad_request", "The request could not be read."),
    401: lambda _error: unauthenticated(),
    404: lambda _error: not_found(),
    405: _method_not_allowed,
    413: lambda _error: too_large(),
}

# The first match counts: ValidationException is an HTTPException, msgspec's ValidationError is a DecodeError.
_TRANSLATIONS: tuple[tuple[type[Exception], Callable[[Exception], ApiError | None]], ...] = (
    (ApiError, lambda error: cast(ApiError, error)),
    (LogUnavailable, lambda _error: log_unavailable()),
    (ValidationException, _from_parameters),
    (HTTPException, _from_http),
    (msgspec.ValidationError, _from_validation),
    (msgspec.DecodeError, _from_syntax),
    (RecursionError, _from_syntax),
    (UnicodeDecodeError, _from_syntax),
)

COMMON_EXCEPTION_HANDLERS: ExceptionHandlersMap = {Exception: respond_to_error, HTTPException: respond_to_error}
