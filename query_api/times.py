"""Times in query parameters: with an offset, and limited to the range of the store's `DateTime`."""

from datetime import UTC, datetime

from edge.errors import invalid

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC)


def bound(name: str, at: datetime | None) -> datetime | None:
    """Return the bound of a range of times in UTC; a time outside the store's range becomes its first or last one.

    Raises:
        ApiError: 422 for a time without an offset.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise invalid({name: ["must have an offset, such as Z or +02:00"]})
    return min(max(at, _FIRST), _LAST).astimezone(UTC)
