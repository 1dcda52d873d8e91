"""From a batch of hook events to one record, or to several if it is too large for one. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ingest.intake.context import SessionContext
from ingest.intake.times import OUT_OF_RANGE, is_plausible, parse_instants
from schemas.http.requests import RecordEvent
from schemas.http.responses import RejectedEvent
from schemas.ids import derived_event_digest, event_id_hasher, event_ids
from schemas.log.codec import encode
from schemas.log.records import Event, EventsRecorded
from schemas.log.topics import RECORD_BYTES_MAX

_EVENT_OVERHEAD = 256  # the maximum that a record adds to an event's type and data
_REDACTION_OVERHEAD = 40  # the name of a rule and its count
_OBJECT = ord("{")
_NO_TIME = "timestamp must be an RFC 3339 time, such as 2026-01-20T10:30:00Z"

Valid = tuple[RecordEvent, int, memoryview]  # an event, its time (ms) and its payload


class IdentifiedEvents(NamedTuple):
    """The accepted events of a batch, and why each of the others is rejected."""

    accepted: list[Event]
    rejected: list[RejectedEvent]


class EventWithLoneSurrogates(RecordEvent, frozen=True, gc=False):
    """An event whose payload a record can't hold as it is."""


def identify_events(batch: Sequence[RecordEvent | RejectedEvent], context: SessionContext) -> IdentifiedEvents:
    """Check each event by itself, and give an id to each that came without one."""
    valid, rejected = _check(batch, context.received_at)
    derived = iter(event_ids(_digests(valid, context)))
    accepted = [_identified(event, event.event_id or next(derived), timestamp) for event, timestamp, _ in valid]
    return IdentifiedEvents(accepted, rejected)


def to_records(events: Sequence[Event], context: SessionContext, client: str | None = None) -> list[bytes]:
    """Return the records that hold ``events`` in their order; each holds at least one.

    ``client`` is the agent that sent the payloads, if they are stored as it sends them.
    """
    whole = _encode(events, context, client)
    if len(whole) <= RECORD_BYTES_MAX or len(events) == 1:
        return [whole]
    return [_encode(part, context, client) for part in _parts(events)]


def _check(batch: Sequence[RecordEvent | RejectedEvent], now: int) -> tuple[list[Valid], list[RejectedEvent]]:
    """Return the valid events, and why each of the others is refused."""
    valid: list[Valid] = []
    rejected: list[RejectedEvent] = []
    times = parse_instants(["" if isinstance(event, RejectedEvent) else event.timestamp for event in batch])
    for index, (event, timestamp) in enumerate(zip(batch, times, strict=True)):
        if isinstance(event, RejectedEvent):
            rejected.append(event)
        elif timestamp is None:
            rejected.append(RejectedEvent(index, "invalid_event", _NO_TIME))
        elif not is_plausible(timestamp, now):
            rejected.append(RejectedEvent(index, "timestamp_out_of_range", f"timestamp {OUT_OF_RANGE}"))
        elif (data := memoryview(event.data))[0] != _OBJECT:
            rejected.append(RejectedEvent(index, "invalid_event", "data must be an object"))
        else:
            valid.append((event, timestamp, data))
    return valid, rejected


def _digests(valid: Iterable[Valid], context: SessionContext) -> list[bytes]:
    """Return the digests behind the ids of events without one: the same event in another request gets the same id."""
    hasher = event_id_hasher(context.secrets.seed_key, context.session_id)
    repeats: dict[bytes, int] = {}
    digests = []
    for event, _, data in valid:
        if event.event_id is not None:
            continue
        digest = derived_event_digest(hasher, event.event_type, event.timestamp, data, 0)
        before = repeats[digest] = repeats.get(digest, -1) + 1
        if before:
            digest = derived_event_digest(hasher, event.event_type, event.timestamp, data, before)
        digests.append(digest)
    return digests


def _identified(event: RecordEvent, event_id: UUID, timestamp: int) -> Event:
    if type(event) is EventWithLoneSurrogates:
        return Event(event_id, event.event_type, timestamp, event.data, event.seq, data_base64=bytes(event.data))
    return Event(event_id, event.event_type, timestamp, event.data, event.seq)


def _encode(events: Sequence[Event], context: SessionContext, client: str | None) -> bytes:
    return encode(EventsRecorded(**context.head(), events=tuple(events), client=client))


def _parts(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    begin, size = 0, 0
    for index, event in enumerate(events):
        length = len(memoryview(event.data))
        if event.data_base64 is not None:  # a payload with lone surrogates
            length = length * 4 // 3
        # The maximum that the event takes in a record.
        length += _EVENT_OVERHEAD + _REDACTION_OVERHEAD * len(event.redactions)
        if index > begin and size + length > RECORD_BYTES_MAX - _EVENT_OVERHEAD * 4:
            yield events[begin:index]
            begin, size = index, 0
        size += length
    yield events[begin:]
