r"""Parsing of batches whose payloads have lone surrogates.

Before parsing, each lone ``\ud83d`` becomes ``\ue83d``; afterwards the payloads get it back. The letter begins no
other escape of the body, so the way back is exact.
"""

import re
from collections.abc import Sequence

from msgspec import Raw, structs

from kernel.surrogates import LONE, SURROGATE_ESCAPE
from schemas.http.requests import RecordEvent
from schemas.http.responses import RejectedEvent

_STAND_INS = b"efcba"
_LONE_MAX = 10_000  # a body with more is no text that was cut, but an attempt to consume the processor


class EventWithLoneSurrogates(RecordEvent, frozen=True, gc=False):
    """An event whose payload a record can't hold as it is."""


def substitute(body: bytes) -> tuple[bytes, int] | None:
    """Return the body with another letter in each lone surrogate, and the letter; None if there is none or too many."""
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


def restore(events: Sequence[RecordEvent | RejectedEvent], letter: int) -> list[RecordEvent | RejectedEvent]:
    """Return the events with their payloads as the client sent them."""
    return [event if isinstance(event, RejectedEvent) else _restored(event, letter) for event in events]


def _restored(event: RecordEvent, letter: int) -> RecordEvent:
    parsed = bytes(event.data)
    data = _escapes_with(letter).sub(lambda escape: b"\\uD" if escape[1].isupper() else b"\\ud", parsed)
    if data == parsed:
        return event
    return EventWithLoneSurrogates(**{**structs.asdict(event), "data": Raw(data)})


def _escapes_with(letter: int) -> re.Pattern[bytes]:
    return re.compile(rb"\\u([%c%c])" % (letter, letter - 32))
