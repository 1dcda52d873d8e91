"""Clients' times: RFC 3339 in, milliseconds since 1970 out, between 2000-01-01 and a day from now."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ingest.intake.context import Invalid

EARLIEST_MS = 946_684_800_000  # 2000-01-01
_DAY_MS = 24 * 3600 * 1000
AHEAD_MS = _DAY_MS
OUT_OF_RANGE = "must be between 2000-01-01 and 24 hours from now"

_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_encode = msgspec.msgpack.Encoder().encode
_instants = msgspec.msgpack.Decoder(list[datetime])


def is_plausible(ms: int, now: int) -> bool:
    """Return whether a client may send this time."""
    return EARLIEST_MS <= ms <= now + AHEAD_MS


def ms_of(instant: datetime) -> int:
    """Return milliseconds since 1970; smaller units are cut off."""
    return (instant - _EPOCH) // _MS


def parse_instant(text: str) -> int:
    """Read an RFC 3339 time. Raises `ValueError` for anything else, including a time without an offset."""
    instant = msgspec.convert(text, datetime)
    if instant.tzinfo is None:
        raise ValueError("no offset")
    return ms_of(instant)


def instant_or_none(text: str) -> int | None:
    """Read a time as `parse_instant` does; None for anything else."""
    try:
        return parse_instant(text)
    except ValueError:
        return None


def parse_instants(texts: Sequence[str]) -> list[int | None]:
    """Read each text as `parse_instant` does; None for one that isn't a time. If all are, it takes a third as long."""
    try:
        passed = [instant - _EPOCH for instant in _instants.decode(_encode(texts))]
    except (ValueError, TypeError):  # not a time, or one without an offset, which can't be subtracted from one with it
        return [instant_or_none(text) for text in texts]
    # As `ms_of`: hours and less are never negative, so microseconds are cut off towards the past.
    return [time.days * _DAY_MS + time.seconds * 1000 + time.microseconds // 1000 for time in passed]


def checked_ms(instant: datetime | None, field: str, now: int) -> int | None:
    """Return the milliseconds of an optional time of a body. Raises `Invalid` if it is out of range."""
    if instant is None:
        return None
    ms = ms_of(instant)
    if not is_plausible(ms, now):
        raise Invalid(field, OUT_OF_RANGE)
    return ms
