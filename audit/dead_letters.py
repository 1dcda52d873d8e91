"""The records that could not be projected, as those who run the installation see them. Pure."""

from base64 import b64decode
from collections.abc import Iterable, Sequence

from msgspec import Struct

from audit.questions import DeadLetterRow, WholeDeadLetterRow
from edge.errors import not_found
from schemas.http.responses import instant
from schemas.log.position import Position


class DeadLetter(Struct, frozen=True):
    """A position whose record could not be projected, why, and where it was appended again."""

    position: str
    logged_at: str
    reason: str
    size: int
    redriven_to: list[str]


class WholeDeadLetter(Struct, frozen=True):
    """The same with its bytes: in base64, and as text where they are text."""

    position: str
    logged_at: str
    reason: str
    size: int
    redriven_to: list[str]
    key_base64: str
    value_base64: str
    text: str | None


def letter_of(row: DeadLetterRow) -> DeadLetter:
    """A line of the list."""
    return DeadLetter(*_head(row))


def whole_letter_of(rows: Sequence[WholeDeadLetterRow]) -> WholeDeadLetter:
    """One with its bytes.

    Raises:
        ApiError: 404 where the position is no dead letter.
    """
    if not rows:
        raise not_found()
    row = rows[0]
    return WholeDeadLetter(*_head(row), row.key_base64, row.value_base64, _text(b64decode(row.value_base64)))


def _head(row: DeadLetterRow | WholeDeadLetterRow) -> tuple[str, str, str, int, list[str]]:
    place = str(Position(row.log_partition, row.log_offset))
    return place, instant(row.logged_ms), row.reason, row.size, _positions(row.redriven_to)


def _positions(found: Iterable[tuple[int, int]]) -> list[str]:
    return [str(Position(*place)) for place in found]


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
