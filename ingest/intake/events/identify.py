"""From a batch of hook events to one record, or to several if it is too large for one. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ingest.intake.context import SessionContext
from ingest.intake.times import OUT_OF_RANGE, is_plausible, parse_instant
from schemas.http.requests import RecordEvent
from schemas.http.responses import RejectedEvent
from schemas.ids import derived_event_id, event_id_hasher
from schemas.log.codec import encode
from schemas.log.records import Event, EventsRecorded
from schemas.log.topics import RECORD_BYTES_MAX

_EVENT_OVERHEAD = 256  # the most that a record adds to an event's type and data
_REDACTION_OVERHEAD = 40  # the name of a rule and its count
_OBJECT = ord("{")


class IdentifiedEvents(NamedTuple):
    """The events of a batch that are accepted, and for each of the others why it is rejected."""

    accepted: list[Event]
    rejected: list[RejectedEvent]


class _Refused(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def identify_events(batch: Sequence[RecordEvent | RejectedEvent], context: SessionContext) -> IdentifiedEvents:
    """Check each event by itself, and give an id to each that came without one."""
    events = IdentifiedEvents([], [])
    ids = _DerivedIds(context)
    for index, event in enumerate(batch):
        if isinstance(event, RejectedEvent):
            events.rejected.append(event)
            continue
        try:
            events.accepted.append(_identify(event, ids, context.received_at))
        except _Refused as refused:
            events.rejected.append(RejectedEvent(index, refused.code, str(refused)))
    return events


def to_records(events: Sequence[Event], context: SessionContext) -> list[bytes]:
    """Return the records that hold ``events`` in their order; each holds at least one."""
    whole = _encode(events, context)
    if len(whole) <= RECORD_BYTES_MAX or len(events) == 1:
        return [whole]
    return [_encode(part, context) for part in _parts(events)]


def _identify(event: RecordEvent, ids: "_DerivedIds", now: int) -> Event:
    try:
        timestamp = parse_instant(event.timestamp)
    except ValueError as error:
        raise _Refused("invalid_event", "timestamp must be an RFC 3339 time, such as 2026-01-20T10:30:00Z") from error
    if not is_plausible(timestamp, now):
        raise _Refused("timestamp_out_of_range", f"timestamp {OUT_OF_RANGE}")
    data = memoryview(event.data)
    if data[0] != _OBJECT:
        raise _Refused("invalid_event", "data must be an object")
    event_id = event.event_id or ids.of(event, data)
    if type(event) is not RecordEvent:  # its payload is JSON, but msgspec can't skip it
        return Event(event_id, event.event_type, timestamp, event.data, event.seq, data_base64=bytes(event.data))
    return Event(event_id, event.event_type, timestamp, event.data, event.seq)


class _DerivedIds:
    """Ids of events that came without one: the same event in another request gets the same id."""

    def __init__(self, context: SessionContext) -> None:
        self._hasher = event_id_hasher(context.secrets.seed_key, context.session_id)
        self._seen: dict[int, int] = {}  # by the id's integer: hashing a UUID runs Python code

    def of(self, event: RecordEvent, data: memoryview) -> UUID:
        first = derived_event_id(self._hasher, event.event_type, event.timestamp, data, 0)
        before = self._seen.get(first.int, 0)
        self._seen[first.int] = before + 1
        if not before:
            return first
        return derived_event_id(self._hasher, event.event_type, event.timestamp, data, before)


def _encode(events: Sequence[Event], context: SessionContext) -> bytes:
    return encode(EventsRecorded(**context.head(), events=tuple(events)))


def _parts(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    begin, size = 0, 0
    for index, event in enumerate(events):
        length = _length(event)
        if index > begin and size + length > RECORD_BYTES_MAX - _EVENT_OVERHEAD * 4:
            yield events[begin:index]
            begin, size = index, 0
        size += length
    yield events[begin:]


def _length(event: Event) -> int:
    """Return the most bytes that an event takes in a record; payloads with lone surrogates are in base64."""
    length = len(memoryview(event.data))
    redactions = _REDACTION_OVERHEAD * len(event.redactions)
    return _EVENT_OVERHEAD + redactions + (length if event.data_base64 is None else length * 4 // 3)
