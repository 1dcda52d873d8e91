"""Spans: an ended session can be reopened under its id, by a `SessionStart` later than its end.

The first end of a span wins. An end with a time from the client belongs to the span of that time, so it may be logged
after the start of the next one. Any other end is an end now.
"""

from bisect import bisect_right, insort
from operator import attrgetter

from processors.fold.state import SessionState, Span

_started_at = attrgetter("started_at")


def session_started(state: SessionState, at: int) -> None:
    """Take a `SessionStart`: it opens a span, or is another start in the last one."""
    last = state.spans[-1]
    if last.ended_at is None:
        insort(state.starts, at)
    elif at > last.ended_at:
        state.spans.append(Span(at))
        state.starts = []


def session_ended(state: SessionState, given_at: int | None, received_at: int, outcome: str | None) -> int | None:
    """End a span; return when, or None if its end is already known."""
    at = max(state.started_at, received_at if given_at is None else given_at)
    number = len(state.spans) - 1
    if given_at is not None:
        number = max(0, bisect_right(state.spans, at, key=_started_at) - 1)
    span = state.spans[number]
    if span.ended_at is not None:
        return None
    span.ended_at, span.outcome = max(at, span.started_at), outcome
    later = state.starts[bisect_right(state.starts, span.ended_at) :]
    if given_at is not None and later:  # the start of the next span is already known
        state.spans.append(Span(later[0]))
        state.starts = later[1:]
    return span.ended_at


def duration_ms(state: SessionState) -> int | None:
    """Return the length of all spans; a last one without an end runs to the last event; None without either."""
    *closed, last = state.spans
    until = state.last_event_at if last.ended_at is None else last.ended_at
    if until is None:
        return None
    length = sum(span.ended_at - span.started_at for span in closed if span.ended_at is not None)
    length += max(0, until - last.started_at)
    if state.created_for is not None and state.first_event_at is not None:
        # The log's first fact fixed the start of an agent's session, which may have earlier events.
        length += max(0, state.started_at - state.first_event_at)
    return length
