"""Turn exceptions into error responses. This is the only place that builds error bodies."""

import re
from functools import partial
from typing import Any

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
    # The order counts: ValidationException is an HTTPException, msgspec's ValidationError is a DecodeError.
    match error:
        case ApiError():
            return error
        case LogUnavailable():
            return log_unavailable()
        case ValidationException():
            return _from_parameters(error)
        case HTTPException():
            return _from_http(error)
        case msgspec.ValidationError():
            path, sentence = explain(str(error))
            return invalid({path: [sentence]})
        case msgspec.DecodeError() | RecursionError() | UnicodeDecodeError():
            return invalid_json()
    return None


def _from_parameters(error: ValidationException) -> ApiError:
    if missing := _MISSING.search(error.detail):
        return invalid({missing[1]: ["is required"]})
    extra = error.extra if isinstance(error.extra, list) else [{"message": error.detail}]
    # Path ids are strings, so they are never wrong here. Litestar lists those that the handler does not declare.
    faults = [(item.get("key") or "body", item.get("message", "")) for item in extra if item.get("source") != "path"]
    # Parameters are always strings, so the sentences leave that out.
    return invalid({name: [explain(message)[1].removesuffix(", not a string")] for name, message in faults})


def _from_http(error: HTTPException) -> ApiError | None:
    """Translate Litestar's errors: unknown routes, methods, bodies. None for a 500, which is unexpected."""
    match error.status_code:
        case 400:
            return ApiError(400, "bad_request", "The request could not be read.")
        case 401:
            return unauthenticated()
        case 404:
            return not_found()
        case 405:
            allow = {"Allow": (error.headers or {}).get("allow", "")}
            return ApiError(405, "method_not_allowed", "This address does not support this method.", headers=allow)
        case 413:
            return too_large()
    return None


too_large = partial(ApiError, 413, "too_large", "The request is too large.")
COMMON_EXCEPTION_HANDLERS: ExceptionHandlersMap = {Exception: respond_to_error, HTTPException: respond_to_error}
