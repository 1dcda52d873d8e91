"""The demo's data: every kind of event, valid requests, exact numbers, and the same requests for the same seed."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import msgspec
import pytest

from cli.demo.sessions import DAYS, DemoSession, TooFewEvents, make_sessions
from schemas.hooks import CLAUDE_CODE_HOOKS
from schemas.http.requests import (
    EVENT_BYTES_MAX,
    EVENTS_PER_REQUEST_MAX,
    ChangeSession,
    CreateSession,
    EndSession,
    RecordEvent,
    RecordEvents,
)

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
SESSIONS, EVENTS = 40, 4_321


@pytest.fixture(scope="module")
def made() -> list[DemoSession]:
    return make_sessions(1, SESSIONS, EVENTS, NOW)


def events_of(sessions: list[DemoSession]) -> list[RecordEvent]:
    bodies = [batch.body for session in sessions for batch in session.batches]
    return list(chain.from_iterable(msgspec.json.decode(body, type=RecordEvents).events for body in bodies))


@pytest.mark.parametrize(("sessions", "events"), [(1, 180), (40, 4_321), (7, 5_000)])
def test_it_makes_exactly_the_requested_sessions_and_events(sessions: int, events: int) -> None:
    """The numbers on the screen are the numbers that were sent."""
    made = make_sessions(3, sessions, events, NOW)

    assert len(made) == sessions
    assert len(events_of(made)) == sum(session.events for session in made) == events


def test_too_few_events_are_refused_with_the_minimum() -> None:
    """A session without events would show nothing."""
    with pytest.raises(TooFewEvents, match="at least 960 events"):
        make_sessions(1, 40, 959, NOW)


@pytest.mark.parametrize("seed", range(12))
def test_every_known_kind_of_event_occurs(seed: int) -> None:
    """All hooks of Claude Code, its telemetry's measurements, and nothing else."""
    made = make_sessions(seed, 1, 180, NOW)

    assert {event.event_type for event in events_of(made)} == {*CLAUDE_CODE_HOOKS, "Measurement"}


def test_a_payload_names_its_own_kind(made: list[DemoSession]) -> None:
    """Hooks do so; measurements are not hooks."""
    for event in events_of(made):
        if event.event_type != "Measurement":
            assert msgspec.json.decode(event.data)["hook_event_name"] == event.event_type


def test_every_request_body_is_valid(made: list[DemoSession]) -> None:
    """The contract accepts every request of the demo."""
    for session in made:
        msgspec.convert(session.create, CreateSession)
        for batch in session.batches:
            events = msgspec.json.decode(batch.body, type=RecordEvents).events
            assert 1 <= len(events) == batch.events <= EVENTS_PER_REQUEST_MAX
            assert all(len(msgspec.json.encode(event)) < EVENT_BYTES_MAX for event in events)
            if batch.report is not None:
                assert msgspec.json.decode(batch.report, type=ChangeSession).model_metrics
        if session.end is not None:
            assert msgspec.json.decode(session.end, type=EndSession).model_metrics


def test_the_same_seed_makes_the_same_requests_and_another_seed_others(made: list[DemoSession]) -> None:
    """A run is repeatable, and a repeated run harmless."""
    assert make_sessions(1, SESSIONS, EVENTS, NOW) == made
    assert make_sessions(2, SESSIONS, EVENTS, NOW) != made


def test_ids_of_sessions_and_events_do_not_depend_on_the_time(made: list[DemoSession]) -> None:
    """The same demo sent tomorrow counts once."""
    later = make_sessions(1, SESSIONS, EVENTS, NOW + timedelta(days=1))

    assert [session.key for session in later] == [session.key for session in made]
    assert ids_of(later) == ids_of(made)


def ids_of(sessions: list[DemoSession]) -> list[UUID | None]:
    return [event.event_id for event in events_of(sessions)]


def test_every_event_has_a_unique_id(made: list[DemoSession]) -> None:
    """Two events with one id would count once."""
    assert len(set(ids_of(made))) == EVENTS


def test_every_time_is_within_the_last_two_weeks(made: list[DemoSession]) -> None:
    """Sessions are sent as imports; the API refuses times in the future."""
    times = [datetime.fromisoformat(session.create["started_at"]) for session in made]
    times += [datetime.fromisoformat(event.timestamp) for event in events_of(made)]

    assert NOW - timedelta(days=DAYS + 1) < min(times)
    assert max(times) < NOW


def test_most_sessions_have_ended_and_some_are_still_active() -> None:
    """A dashboard shows both."""
    made = make_sessions(1, 100, 5_000, NOW)
    active = sum(session.end is None for session in made)

    assert 1 <= active <= 20


def test_a_parent_comes_before_its_children(made: list[DemoSession]) -> None:
    """Parents are created first, so a child of a child would come too early."""
    parents = [made[session.parent] for session in made if session.parent is not None]

    assert parents
    assert all(parent.parent is None for parent in parents)


def test_running_totals_never_fall(made: list[DemoSession]) -> None:
    """A later report replaces an earlier one, so it must hold the whole usage."""
    for session in made:
        reports = [msgspec.json.decode(batch.report) for batch in session.batches if batch.report]
        reports += [msgspec.json.decode(session.end)] if session.end else []
        outputs = [sum(model["output_tokens"] for model in r["model_metrics"]["models"]) for r in reports]
        assert outputs == sorted(outputs)
