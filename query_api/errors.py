"""The errors of the read side; `query_api.error_responses` has the response to each.

::

    StoreUnavailable   the store is away, closed, overloaded or too slow: 503, the same request may be sent again
    ReadRefused        a `StoreUnavailable`: our user lacks a right, or cannot log in: 503, until a person changes that
    NotYetVisible      the requested position is not projected yet: 503, the same request may be sent again
    AnswerTooLarge     more rows than one response holds: 422, since the same request would fail again
    StoreTimeUsed      the org has used up its store time of this hour: 429, the same request may be sent again later

A question that exceeds its limits of time or memory is a `StoreUnavailable`: how much it needs depends on the load of
the store, and on its caches.
"""

from store.errors import StoreUnavailable


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
