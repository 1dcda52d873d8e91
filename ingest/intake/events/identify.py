"""A batch of hook events becomes one record, or several where it is too large for one."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ingest.intake.context import Asker
from ingest.intake.times import OUT_OF_RANGE, is_plausible, parse_instant
from schemas.http.requests import RecordEvent
from schemas.http.responses import RejectedEvent
from schemas.ids import derived_event_id, event_id_hasher
from schemas.log.codec import encode
from schemas.log.records import Event, EventsRecorded
from schemas.log.topics import RECORD_BYTES_MAX

_EVENT_OVERHEAD = 256  # what a record adds to an event's type and data, at most
_REDACTION_OVERHEAD = 40  # the name of a rule and its count
_OBJECT = ord("{")


class SealedEvents(NamedTuple):
    """What was accepted, and what was not and why."""

    accepted: list[Event]
    rejected: list[RejectedEvent]


class _Refused(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def seal_events(batch: Sequence[RecordEvent | RejectedEvent], session_id: UUID, asker: Asker) -> SealedEvents:
    """Check each event by itself and give an id to those that came without one."""
    sealed = SealedEvents([], [])
    ids = _DerivedIds(asker, session_id)
    for index, event in enumerate(batch):
        if isinstance(event, RejectedEvent):
            sealed.rejected.append(event)
            continue
        try:
            sealed.accepted.append(_seal(event, ids, asker.received_at))
        except _Refused as refused:
            sealed.rejected.append(RejectedEvent(index, refused.code, str(refused)))
    return sealed


def records_of(events: Sequence[Event], session_id: UUID, asker: Asker) -> list[bytes]:
    """The records that hold ``events`` in their order; each of them holds at least one."""
    whole = _encode(events, session_id, asker)
    if len(whole) <= RECORD_BYTES_MAX or len(events) == 1:
        return [whole]
    return [_encode(part, session_id, asker) for part in _parts(events)]


def _seal(event: RecordEvent, ids: "_DerivedIds", now: int) -> Event:
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
    if type(event) is not RecordEvent:  # a payload that is JSON, but that msgspec can't skip
        return Event(event_id, event.event_type, timestamp, event.data, event.seq, odd_data=bytes(event.data))
    return Event(event_id, event.event_type, timestamp, event.data, event.seq)


class _DerivedIds:
    """Ids of events that came without one: the same event in another request has the same id."""

    def __init__(self, asker: Asker, session_id: UUID) -> None:
        self._hasher = event_id_hasher(asker.secrets.seed_key, session_id)
        self._seen: dict[int, int] = {}  # by the id's integer: a UUID hashes itself in Python

    def of(self, event: RecordEvent, data: memoryview) -> UUID:
        first = derived_event_id(self._hasher, event.event_type, event.timestamp, data, 0)
        before = self._seen.get(first.int, 0)
        self._seen[first.int] = before + 1
        if not before:
            return first
        return derived_event_id(self._hasher, event.event_type, event.timestamp, data, before)


def _encode(events: Sequence[Event], session_id: UUID, asker: Asker) -> bytes:
    return encode(EventsRecorded(**asker.head(session_id), events=tuple(events)))


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
    """Bytes of an event in a record, at most; odd payloads are in base64."""
    length = len(memoryview(event.data))
    redactions = _REDACTION_OVERHEAD * len(event.redactions)
    return _EVENT_OVERHEAD + redactions + (length if event.odd_data is None else length * 4 // 3)
