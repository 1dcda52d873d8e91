"""The errors of the read side, and the response to each.

::

    StoreUnavailable   the store is away, closed, overloaded or too slow: 503, the same request may be sent again
    ReadRefused        a `StoreUnavailable`: our user lacks a right, or cannot log in: 503, until a person changes that
    NotYetVisible      the requested position is not projected yet: 503, the same request may be sent again
    AnswerTooLarge     more rows than one response holds: 422, since the same request would fail again
    StoreTimeUsed      the org has used up its store time of this hour: 429, the same request may be sent again later

A question that exceeds its limits of time or memory is a `StoreUnavailable`: how much it needs depends on the load of
the store, and on its caches.
"""

from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap

from edge.error_responses import respond_to_error
from edge.errors import ApiError, unavailable
from schemas.http.responses import ErrorBody
from store.errors import StoreUnavailable

REFUSED_RETRY_AFTER_S = 30


class ReadRefused(StoreUnavailable):
    """The store refuses our user, or this question; the message says what to change, and is for the log alone.

    After the start it ends no process: a missing right must not stop other questions or, in `serve`, the write side.
    ``/readyz`` fails where nothing can be read. The error ends as soon as the right is granted.
    """


class NotYetVisible(Exception):
    """The projection has not reached the position that the caller waits for."""


class AnswerTooLarge(Exception):
    """The question finds more rows than are read at once."""


class StoreTimeUsed(Exception):
    """The org has used up the store's time of this hour."""

    def __init__(self, resets_in_s: int) -> None:
        super().__init__(f"more in {resets_in_s} s")
        self.resets_in_s = resets_in_s


def _store_unavailable(request: Request[Any, Any, Any], _error: StoreUnavailable) -> Response[ErrorBody]:
    message = "The store can't answer right now; send the same request again."
    return respond_to_error(request, unavailable("store_unavailable", message))


def _store_refuses(request: Request[Any, Any, Any], _error: ReadRefused) -> Response[ErrorBody]:
    message = "The store does not let this service do that; who runs it finds the reason in its log."
    return respond_to_error(request, unavailable("store_refuses", message, REFUSED_RETRY_AFTER_S))


def _not_yet_visible(request: Request[Any, Any, Any], _error: NotYetVisible) -> Response[ErrorBody]:
    message = "What you wait for is not visible yet; send the same request again."
    return respond_to_error(request, unavailable("not_yet_visible", message))


def _answer_too_large(request: Request[Any, Any, Any], _error: AnswerTooLarge) -> Response[ErrorBody]:
    message = "The answer has too many rows: ask for fewer days, or for a part of them by a filter."
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
