"""Events of a batch are decoded and identified together, with the same results as one by one."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs

from ingest.intake.context import SessionContext
from ingest.intake.events import batch
from ingest.intake.events.batch import read_batch
from ingest.intake.events.identify import IdentifiedEvents, identify_events
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.requests import RecordEvent
from schemas.ids import derived_event_digest, event_id_hasher, event_ids
from schemas.log.records import Actor
from tests.support.rigs.write_api import NOW_MS, SECRETS, a_session

SESSION = a_session()
CONTEXT = SessionContext("acme", Actor("alice", "member"), NOW_MS, SECRETS, a_session, session_id=SESSION)
TYPES = ("Stop", "PreToolUse", "BrandNew", "a.b:c-d_e", "Stop\n", "no type!", "", "T" * 65, "stop", 7, None)
TIMES = ("2026-01-20T10:30:00Z", "2026-01-20T12:30:00.25+02:00", "2026-01-20", "1999-01-01T00:00:00Z", 5)
FIELDS = {
    "event_type": TYPES,
    "timestamp": TIMES,
    "data": ({}, {"a": 1}, [], "x"),
    "event_id": ("3f8a1c2e-7b4d-4e9f-8a6b-1c2d3e4f5a6b", "no id"),
    "seq": (1, 1 << 60),
    "unknown": (1,),
}
fields = st.sampled_from([(name, value) for name, values in FIELDS.items() for value in values])
complete = st.tuples(*(st.tuples(st.just(name), st.sampled_from(FIELDS[name])) for name in list(FIELDS)[:3])).map(list)
usual = complete.map(lambda whole: [("event_type", "Stop"), ("timestamp", TIMES[0]), whole[2]])
raw_events = st.one_of(usual, complete, st.builds(list.__add__, complete, st.lists(fields, max_size=2)))
bodies = st.lists(raw_events, max_size=4).map(lambda events: b'{"events":[%s]}' % b",".join(map(as_json, events)))
broken = st.builds(lambda body, cut: body[:cut], bodies, st.integers(0, 200))


def as_json(pairs: list[tuple[str, Any]]) -> bytes:
    """Write an object whose fields may repeat."""
    return ("{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}").encode()


def outcome(read: Callable[[bytes], Any], body: bytes) -> Any:
    """Return the result of a body: its events as values, or the error."""
    try:
        return [structs.asdict(event) for event in read(body)]
    except Exception as error:  # any exception: both ways must fail in the same way
        return type(error), str(error)


@given(bodies | broken)
def test_known_types_are_read_as_any_other_type_is(body: bytes) -> None:
    """The decoder that knows the names of the types changes no event and no error, even if a field is repeated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_known", batch._batch)  # only the slow decoder
        slowly = outcome(read_batch, body)

    assert outcome(read_batch, body) == slowly


@pytest.mark.parametrize("event_type", sorted(KNOWN_EVENT_TYPES))
def test_every_known_type_matches_the_pattern(event_type: str) -> None:
    """Otherwise the decoder would accept events whose type the documented pattern refuses."""
    event = {"event_type": event_type, "timestamp": TIMES[0], "data": {}}

    assert msgspec.convert(event | {"data": Raw(b"{}")}, RecordEvent).event_type == event_type


def identified_alone(events: Sequence[Any]) -> IdentifiedEvents:
    """Identify each event separately, and count the equal ones before it."""
    hasher = event_id_hasher(SECRETS.seed_key, SESSION)
    before: Counter[tuple[str, str, bytes]] = Counter()
    together = IdentifiedEvents([], [])
    for index, event in enumerate(events):
        alone = identify_events([event], CONTEXT)
        together.rejected.extend(structs.replace(refused, index=index) for refused in alone.rejected)
        for accepted in alone.accepted:
            sent = (event.event_type, event.timestamp, bytes(event.data))
            id_ = event.event_id or id_of(hasher, sent, before[sent])
            before[sent] += event.event_id is None
            together.accepted.append(structs.replace(accepted, event_id=id_))
    return together


def id_of(hasher: Any, sent: tuple[str, str, bytes], ordinal: int) -> UUID:
    """Return the derived id of one event."""
    return event_ids([derived_event_digest(hasher, *sent, ordinal)])[0]


@given(bodies)
def test_a_batch_is_identified_as_its_events_are_alone(body: bytes) -> None:
    """Each event gets the same time, id and refusal as on its own; only equal events are counted."""
    try:
        events = read_batch(body)
    except Exception:  # not a batch: there is nothing to identify
        return

    assert identify_events(events, CONTEXT) == identified_alone(events)
