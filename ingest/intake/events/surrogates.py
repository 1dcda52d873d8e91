r"""Taking batches apart whose payloads have lone surrogates.

Each lone ``\ud83d`` is spelled ``\ue83d`` meanwhile, and back again in the payloads; the letter is one that begins no
other escape of the body, so that the way back is exact.
"""

import re
from collections.abc import Sequence

from msgspec import Raw, structs

from kernel.surrogates import LONE, SUSPECT
from schemas.http.requests import RecordEvent
from schemas.http.responses import RejectedEvent

_STAND_INS = b"efcba"
_LONE_MAX = 10_000  # beyond it this is no text that was cut, but an attempt to keep us busy


class OddEvent(RecordEvent, frozen=True, gc=False):
    """An event whose payload has lone surrogates, which a record can't hold as they are."""


def respell(body: bytes) -> tuple[bytes, int] | None:
    """The body with another letter in each lone surrogate, and that letter; None where there is none, or too many."""
    if not SUSPECT.search(body):
        return None
    letter = next((letter for letter in _STAND_INS if not _escapes_with(letter).search(body)), None)
    if letter is None:
        return None
    spellings = {b"d": bytes([letter]), b"D": bytes([letter]).upper()}

    def respelled(lone: re.Match[bytes]) -> bytes:
        if lone["letter"] is None:
            return lone["before"]
        return lone["before"] + b"\\u" + spellings[lone["letter"]] + lone["rest"]

    result, count = LONE.subn(respelled, body, count=_LONE_MAX + 1)
    return (result, letter) if count <= _LONE_MAX else None


def restore(events: Sequence[RecordEvent | RejectedEvent], letter: int) -> list[RecordEvent | RejectedEvent]:
    """The events with their payloads as the client sent them."""
    return [event if isinstance(event, RejectedEvent) else _restored(event, letter) for event in events]


def _restored(event: RecordEvent, letter: int) -> RecordEvent:
    respelled = bytes(event.data)
    data = _escapes_with(letter).sub(lambda escape: b"\\uD" if escape[1].isupper() else b"\\ud", respelled)
    if data == respelled:
        return event
    return OddEvent(**{**structs.asdict(event), "data": Raw(data)})


def _escapes_with(letter: int) -> re.Pattern[bytes]:
    return re.compile(rb"\\u([%c%c])" % (letter, letter - 32))
