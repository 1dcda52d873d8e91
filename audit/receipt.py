"""What became of one position of the log, as its org may know it. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from audit.questions import ReceiptRow
from edge.errors import not_found
from schemas.http.responses import instant
from schemas.log.position import Position


class Receipt(Struct, frozen=True):
    """``outcome`` is projected, dead (``reason`` says why) or waiting; what is waiting has no times yet."""

    position: str
    outcome: str
    received_at: str | None = None
    stored_at: str | None = None
    facts: int | None = None
    added: int | None = None
    reason: str | None = None


def receipt_of(position: Position, partitions: int, rows: Sequence[ReceiptRow]) -> Receipt:
    """Return the receipt of a position; without a row of the asking org it waits, whether it is written or not.

    Raises:
        ApiError: 404 where there is no such partition.
    """
    if not rows and position.partition >= partitions:
        raise not_found()
    if not rows:
        return Receipt(str(position), "waiting")
    row = rows[0]
    times = instant(row.received_ms), instant(row.stored_ms)
    return Receipt(str(position), row.outcome, *times, row.facts, row.added, row.reason or None)
