"""Times in a query: with an offset, and within what the store's clock can show."""

from datetime import UTC, datetime

from edge.errors import invalid

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC)


def bound(name: str, at: datetime | None) -> datetime | None:
    """Where a range of times begins or ends; a time that the store's clock can't show is as good as its first or last.

    Raises:
        ApiError: 422 for a time without an offset.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise invalid({name: ["must have an offset, such as Z or +02:00"]})
    return min(max(at, _FIRST), _LAST).astimezone(UTC)
