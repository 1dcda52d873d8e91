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


def _respond(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    match error:
        case ReadRefused():  # before `StoreUnavailable`, of which it is one
            message = "The store refuses this service's request; the operator finds the reason in the service's log."
            error = unavailable("store_refuses", message, REFUSED_RETRY_AFTER_S)
        case StoreUnavailable():
            error = unavailable("store_unavailable", "The store can't answer right now; send the same request again.")
        case NotYetVisible():
            message = "The position you are waiting for is not visible yet; send the same request again."
            error = unavailable("not_yet_visible", message)
        case AnswerTooLarge():
            message = "The answer has too many rows: ask for fewer days, or add a filter."
            error = ApiError(422, "answer_too_large", message)
        case StoreTimeUsed(resets_in_s=seconds):
            message = "Your organisation has used up the query time of this hour; send the same request again later."
            error = ApiError(429, "rate_limited", message, headers={"Retry-After": str(seconds)})
    return respond_to_error(request, error)


EXCEPTION_HANDLERS: ExceptionHandlersMap = dict.fromkeys(
    (StoreUnavailable, NotYetVisible, AnswerTooLarge, StoreTimeUsed), _respond
)
