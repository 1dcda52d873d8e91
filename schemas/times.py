"""Times as text: RFC 3339 in UTC with milliseconds."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = len("+00:00")


def ms_of(text: str) -> int:
    """Return the milliseconds since 1970 of a time with a zone, such as that of `instant`. Raises `ValueError`."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)


def instant(ms: int) -> str:
    """Return the time of milliseconds since 1970, such as ``2026-01-20T10:30:00.000Z``."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat("T", "milliseconds")[:-_ZONE] + "Z"
