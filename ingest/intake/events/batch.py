r"""Parses a batch of hook events: with one typed call if all are valid, else one by one to find the invalid ones.

msgspec refuses lone surrogates. So each lone ``\ud83d`` becomes ``\ue83d`` before parsing, and is restored in the
payloads afterwards. No other escape in the body begins with that letter, so the restoration is exact.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec import Raw, structs

from edge.error_responses import too_large
from edge.errors import invalid
from edge.validation_messages import explain
from ingest.body import decode_body
from ingest.intake.events.identify import EventWithLoneSurrogates
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.requests import EVENT_BYTES_MAX, EVENTS_PER_REQUEST_MAX, RecordEvent, RecordEvents
from schemas.http.responses import RejectedEvent
from schemas.surrogates import LONE, SURROGATE_ESCAPE

T = TypeVar("T")
Read = RecordEvent | RejectedEvent
_STAND_INS = b"efcba"
_LONE_MAX = 10_000  # a body with more isn't truncated text, but an attempt to waste processor time


def bounded_list(length: int) -> Any:
    """Return a list type capped at one over ``length``: otherwise msgspec would build millions before refusing."""
    fields: Any = [(f"e{index}", Raw, b"") for index in range(length + 1)]
    return msgspec.defstruct("_Elements", fields, array_like=True, forbid_unknown_fields=True)


_Loose: Any = msgspec.defstruct(
    "_Loose", [("events", bounded_list(EVENTS_PER_REQUEST_MAX))], forbid_unknown_fields=True
)

# Events of known types: msgspec looks a name up in a set, but matching a pattern takes as long as all the rest.
_KnownEvent = msgspec.defstruct(
    "_KnownEvent", [("event_type", Literal[*sorted(KNOWN_EVENT_TYPES)])], bases=(RecordEvent,), frozen=True, gc=False
)
_KnownEvents: Any = msgspec.defstruct(
    "_KnownEvents",
    [("events", list[_KnownEvent])],  # type: ignore[valid-type]  # made at run time
    forbid_unknown_fields=True,
)

_known: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_KnownEvents)
_batch: msgspec.json.Decoder[RecordEvents] = msgspec.json.Decoder(RecordEvents)
_loose: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Loose)
_event: msgspec.json.Decoder[RecordEvent] = msgspec.json.Decoder(RecordEvent)


def read_batch(body: bytes) -> Sequence[Read]:
    """Return the events in their order, each invalid one replaced by its error.

    Raises `ApiError`: 413 for an event that is too large, 422 for no events or too many; `msgspec.MsgspecError` for
    another body.
    """
    return parse_with_surrogates(body, _read, _restore)


def parse_with_surrogates(body: bytes, parse: Callable[[bytes], T], restore: Callable[[T, int], T]) -> T:
    """Return what ``parse`` makes of a body; if lone surrogates prevent that, parse without them, then restore them."""
    try:
        return parse(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        substituted = substitute(body)
        if substituted is None:
            raise
        return restore(parse(substituted[0]), substituted[1])


def _read(body: bytes) -> Sequence[Read]:
    if len(body) > EVENT_BYTES_MAX and any(len(memoryview(raw)) > EVENT_BYTES_MAX for raw in _elements(body)):
        raise too_large()
    try:
        events: Sequence[Read] = _decode(body)
    except msgspec.ValidationError:
        events = read_each(_elements(body), _event, "event")
    if not 1 <= len(events) <= EVENTS_PER_REQUEST_MAX:
        raise _wrong_count()
    return events


def _decode(body: bytes) -> Sequence[RecordEvent]:
    try:
        return cast(Sequence[RecordEvent], _known.decode(body).events)
    except msgspec.ValidationError:
        return _batch.decode(body).events


def _elements(body: bytes) -> list[Raw]:
    try:
        elements = structs.astuple(decode_body(body, _loose).events)
    except msgspec.ValidationError as error:
        if "of at most length" in str(error):
            raise _wrong_count() from error
        raise
    return [raw for raw in elements if raw]


def read_each(raws: Iterable[Raw], decoder: msgspec.json.Decoder[Any], what: str) -> list[Any]:
    """Return the items, each invalid one replaced by its error; ``what`` is the noun for an item."""
    items: list[Any] = []
    for index, raw in enumerate(raws):
        try:
            items.append(decoder.decode(raw))
        except (msgspec.DecodeError, RecursionError) as error:
            path, sentence = explain(str(error))
            where = f"the {what}" if path == "body" else path
            items.append(RejectedEvent(index, f"invalid_{what}", f"{where} {sentence}"))
    return items


def _wrong_count() -> Exception:
    return invalid({"events": [f"must have 1 to {EVENTS_PER_REQUEST_MAX} events"]})


def substitute(body: bytes) -> tuple[bytes, int] | None:
    """Return the body with another letter in each lone surrogate, and that letter; None if it has none, or too many."""
    if not SURROGATE_ESCAPE.search(body):
        return None
    letter = next((letter for letter in _STAND_INS if not _escapes_with(letter).search(body)), None)
    if letter is None:
        return None
    letters = {b"d": bytes([letter]), b"D": bytes([letter]).upper()}

    def with_letter(lone: re.Match[bytes]) -> bytes:
        if lone["letter"] is None:
            return lone["before"]
        return lone["before"] + b"\\u" + letters[lone["letter"]] + lone["rest"]

    result, count = LONE.subn(with_letter, body, count=_LONE_MAX + 1)
    return (result, letter) if count <= _LONE_MAX else None


def _restore(events: Sequence[Read], letter: int) -> Sequence[Read]:
    """Return the events with their payloads as the client sent them."""
    return [event if isinstance(event, RejectedEvent) else _restored(event, letter) for event in events]


def _restored(event: RecordEvent, letter: int) -> RecordEvent:
    data = restore_payload(bytes(event.data), letter)
    if data == bytes(event.data):
        return event
    return EventWithLoneSurrogates(**{**structs.asdict(event), "data": Raw(data)})


def restore_payload(parsed: bytes, letter: int) -> bytes:
    """Return a payload of a substituted body as the client sent it."""
    return _escapes_with(letter).sub(lambda escape: b"\\uD" if escape[1].isupper() else b"\\ud", parsed)


def _escapes_with(letter: int) -> re.Pattern[bytes]:
    return re.compile(rb"\\u([%c%c])" % (letter, letter - 32))
