"""Times in a query: with an offset, and within what the store's clock can show."""

from datetime import UTC, datetime

from edge.errors import invalid

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC))


def since(name: str, at: datetime | None) -> datetime:
    """Where a range begins; without ``at`` there is nothing before it.

    Raises:
        ApiError: 422 for a time without an offset.
    """
    return _known(name, at or EVER[0])


def until(name: str, at: datetime | None) -> datetime:
    """Where a range ends; without ``at`` there is nothing after it.

    Raises:
        ApiError: 422 for a time without an offset.
    """
    return _known(name, at or EVER[1])


def _known(name: str, at: datetime) -> datetime:
    if at.tzinfo is None:
        raise invalid({name: ["must have an offset, such as Z or +02:00"]})
    return min(max(at, EVER[0]), EVER[1]).astimezone(UTC)
