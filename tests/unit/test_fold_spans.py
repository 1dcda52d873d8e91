"""Spans: when a session counts as ended, when it is resumed, and how long it lasted."""

import pytest

from schemas.log.records import AnyRecord, Event
from tests.support.builders import MINUTE_MS, T0, created, described, ended, hook
from tests.support.folded import SESSION, row_of

Shown = tuple[int | None, str | None, int | None]  # end (minute), outcome, duration (minutes)


def start(minute: int) -> Event:
    """Return a `SessionStart` in that minute."""
    return hook("SessionStart", T0 + minute * MINUTE_MS)


def work(minute: int) -> Event:
    """Return any other event in that minute."""
    return hook("Notification", T0 + minute * MINUTE_MS)


def end(minute: int, outcome: str | None = "success") -> AnyRecord:
    """Return an end with a time given by the client."""
    return ended(SESSION, outcome, ended_at=T0 + minute * MINUTE_MS)  # type: ignore[arg-type]  # one of the outcomes


def end_now(minute: int, outcome: str | None = "success") -> AnyRecord:
    """Return an end that was received in that minute."""
    return ended(SESSION, outcome, received_at=T0 + minute * MINUTE_MS)  # type: ignore[arg-type]  # one of the outcomes


CASES: dict[str, tuple[list[AnyRecord | Event], Shown]] = {
    "an end of now": ([end_now(5)], (5, "success", 5)),
    "no end": ([start(0), work(7)], (None, None, 7)),
    "no end and no event": ([], (None, None, None)),
    "the first end of a span wins": ([end_now(5, "failure"), end_now(9)], (5, "failure", 5)),
    "events after the end": ([end(5), work(60)], (5, "success", 5)),
    "a start after the end opens a span": ([end(5), start(60), work(62)], (None, None, 7)),
    "a span has an end of its own": ([end(5), start(60), end(63, "failure")], (63, "failure", 8)),
    "an end of now belongs to the last span": ([end(5), start(60), end_now(63, None)], (63, None, 8)),
    "an end of now before its span": ([end(5), start(60), end_now(20)], (60, "success", 5)),
    "a start at the end opens none": ([end(5), start(5), work(9)], (5, "success", 5)),
    "a start before the end opens none": ([end(5), start(3), work(9)], (5, "success", 5)),
    "an end that is logged after the next start": ([start(0), start(60), work(61), end(5)], (None, None, 6)),
    "and of two such starts the earlier": ([start(70), start(60), work(71), end(5)], (None, None, 16)),
    "and then the end of that span": ([start(60), end(5), end(64, "timeout")], (64, "timeout", 9)),
    "an end of now takes nothing up again": ([start(60), end_now(5), work(61)], (5, "success", 5)),
    "a late copy of the first end": ([end(5), start(60), end(6, "failure"), work(61)], (None, None, 6)),
    "an end before the start": ([end(-5)], (0, "success", 0)),
    "one more start in a span": ([start(0), start(3), end(5)], (5, "success", 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_spans(name: str) -> None:
    """Each case begins with a create at minute 0."""
    facts, expected = CASES[name]

    row = row_of(created(SESSION), *facts)

    minutes = [value and value / MINUTE_MS for value in (row.ended_at and row.ended_at - T0, row.duration_ms)]
    assert (minutes[0], row.outcome, minutes[1]) == expected


def test_an_agents_session_began_with_its_earliest_event() -> None:
    """Hooks and telemetry are logged in a different order; a session created by a request began with that request."""
    early = work(-3)

    assert row_of(created(SESSION, client="codex"), early, end(5)).duration_ms == 8 * MINUTE_MS
    assert row_of(created(SESSION), early, end(5)).duration_ms == 5 * MINUTE_MS
    assert row_of(created(SESSION, client="codex"), early, end(5)).started_at == T0


def test_only_the_create_says_that_a_session_began_with_an_agents_event() -> None:
    """Later messages of an agent about a session do not move its start."""
    assert row_of(created(SESSION), described(SESSION), work(-3), end(5)).duration_ms == 5 * MINUTE_MS
