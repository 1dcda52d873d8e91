"""The response to each error of the read side."""

from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap

from edge.error_responses import respond_to_error
from edge.errors import ApiError, unavailable
from schemas.http.responses import ErrorBody
from store.errors import StoreUnavailable
from store.reading.errors import AnswerTooLarge, NotYetVisible, ReadRefused, StoreTimeUsed

REFUSED_RETRY_AFTER_S = 30


def _store_unavailable(request: Request[Any, Any, Any], _error: StoreUnavailable) -> Response[ErrorBody]:
    message = "The store can't answer right now; send the same request again."
    return respond_to_error(request, unavailable("store_unavailable", message))


def _store_refuses(request: Request[Any, Any, Any], _error: ReadRefused) -> Response[ErrorBody]:
    message = "The store refuses this service's request; the operator finds the reason in the service's log."
    return respond_to_error(request, unavailable("store_refuses", message, REFUSED_RETRY_AFTER_S))


def _not_yet_visible(request: Request[Any, Any, Any], _error: NotYetVisible) -> Response[ErrorBody]:
    message = "The position you are waiting for is not visible yet; send the same request again."
    return respond_to_error(request, unavailable("not_yet_visible", message))


def _answer_too_large(request: Request[Any, Any, Any], _error: AnswerTooLarge) -> Response[ErrorBody]:
    message = "The answer has too many rows: ask for fewer days, or add a filter."
    return respond_to_error(request, ApiError(422, "answer_too_large", message))


def _store_time_used(request: Request[Any, Any, Any], error: StoreTimeUsed) -> Response[ErrorBody]:
    message = "Your organisation has used up the query time of this hour; send the same request again later."
    headers = {"Retry-After": str(error.resets_in_s)}
    return respond_to_error(request, ApiError(429, "rate_limited", message, headers=headers))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    ReadRefused: _store_refuses,
    StoreUnavailable: _store_unavailable,
    NotYetVisible: _not_yet_visible,
    AnswerTooLarge: _answer_too_large,
    StoreTimeUsed: _store_time_used,
}
