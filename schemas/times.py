"""Times as text: RFC 3339 in UTC with milliseconds."""

from datetime import UTC, datetime


def instant(ms: int) -> str:
    """Return the time of milliseconds since 1970, such as ``2026-01-20T10:30:00.000Z``."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
