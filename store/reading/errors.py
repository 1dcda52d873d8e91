"""The errors of the read side; `query_api.error_responses` maps each to a response.

::

    StoreUnavailable   the store is unreachable, closed, overloaded or too slow: 503, the client may retry
    ReadRefused        a `StoreUnavailable`: our user lacks a right or cannot log in: 503, until an operator fixes that
    NotYetVisible      the requested position is not projected yet: 503, the client may retry
    AnswerTooLarge     more rows than one response holds: 422, since the same request would fail again
    StoreTimeUsed      the org has used up its store time for this hour: 429, the client may retry later

A question that exceeds its time or memory limit is a `StoreUnavailable`, because what it needs depends on the store's
load and caches.
"""

from store.errors import StoreUnavailable


class ReadRefused(StoreUnavailable):
    """The store refuses our user, or this question. The message says what to change and goes only to the log.

    This error never ends a process that has started: a missing right must not stop other questions or, in
    `serve`, the write side. ``/readyz`` fails if nothing can be read. Reads succeed again once the right is granted.
    """


class NotYetVisible(Exception):
    """The projection has not reached the position that the caller waits for."""


class AnswerTooLarge(Exception):
    """The question finds more rows than one read may return."""


class StoreTimeUsed(Exception):
    """The org has used up its store time for this hour."""

    def __init__(self, resets_in_s: int) -> None:
        super().__init__(f"more in {resets_in_s} s")
        self.resets_in_s = resets_in_s
