"""Parse ids and positions in paths. Routes take them as strings: a value of the wrong shape is a 404, not a 422."""

import re
from uuid import UUID

from edge.errors import not_found
from schemas.log.position import Position

_SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)

PARTITION_MAX = (1 << 16) - 1


def parse_id(text: str) -> UUID:
    """Parse a session, run or thread id. Raises `ApiError` (404) unless it is a UUID of version-4 shape."""
    if not _SHAPE.fullmatch(text):
        raise not_found()
    return UUID(text)


def parse_position(text: str) -> Position:
    """Parse a log position. Raises `ApiError` (404) for any other text."""
    try:
        position = Position.parse(text)
    except ValueError as error:
        raise not_found() from error
    if position.partition > PARTITION_MAX or str(position) != text:
        raise not_found()
    return position
