"""What may go wrong on the read side, and what each case asks of the caller.

::

    StoreUnavailable   the store is away, closed, overloaded or too slow: 503, the same request may be sent again
    ReadRefused        a `StoreUnavailable`: our user lacks a right, or is not let in: 503, until a person changes that
    NotYetVisible      the projection is not as far as the caller asked for: 503, the same request may be sent again
    AnswerTooLarge     more rows than one answer holds: 422, for the same request would end the same way again

A question that runs into its limits of time or memory is a `StoreUnavailable`: how much it takes depends on what else
the store is doing, and on what it holds in its caches by the next time.
"""

from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap

from edge.error_responses import reply_to_error
from edge.errors import ApiError, unavailable
from schemas.http.responses import ErrorBody
from store.errors import StoreUnavailable

REFUSED_RETRY_AFTER_S = 30


class ReadRefused(StoreUnavailable):
    """The store does not let us in, or not ask this; the message says what to change. It is for the log alone.

    Beyond the start it ends no process: one missing right must not take the other questions away, nor, in `serve`, the
    write side. ``/readyz`` says no where nothing can be read, and it is over as soon as the right is there.
    """


class NotYetVisible(Exception):
    """The projection has not come as far as the caller asked for."""


class AnswerTooLarge(Exception):
    """The question is answered by more rows than are read at once."""


def _store_unavailable(request: Request[Any, Any, Any], _error: StoreUnavailable) -> Response[ErrorBody]:
    message = "The store can't answer right now; send the same request again."
    return reply_to_error(request, unavailable("store_unavailable", message))


def _store_refuses(request: Request[Any, Any, Any], _error: ReadRefused) -> Response[ErrorBody]:
    message = "The store does not let this service read; who runs it finds the reason in its log."
    return reply_to_error(request, unavailable("store_refuses", message, REFUSED_RETRY_AFTER_S))


def _not_yet_visible(request: Request[Any, Any, Any], _error: NotYetVisible) -> Response[ErrorBody]:
    message = "What you wait for is not visible yet; send the same request again."
    return reply_to_error(request, unavailable("not_yet_visible", message))


def _answer_too_large(request: Request[Any, Any, Any], _error: AnswerTooLarge) -> Response[ErrorBody]:
    message = "The answer has too many rows: ask for fewer days, or for a part of them by a filter."
    return reply_to_error(request, ApiError(422, "answer_too_large", message))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    ReadRefused: _store_refuses,
    StoreUnavailable: _store_unavailable,
    NotYetVisible: _not_yet_visible,
    AnswerTooLarge: _answer_too_large,
}
