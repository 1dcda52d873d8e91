"""The ends of the receipts: how far each partition is projected, according to its last receipt."""

from msgspec import Struct

from store.reading.question import Asks, Question

PARTITIONS_MAX = 1 << 16


class PartitionsBelow(Struct, frozen=True):
    before: int


class ReceiptsEndRow(Struct, frozen=True):
    """A partition and the ``end`` of its receipts, one position after the last."""

    log_partition: int
    end: int


RECEIPTS_END = Question("audit.receipts_end", PartitionsBelow, ReceiptsEndRow)


async def receipts_end(asks: Asks) -> dict[int, int]:
    """Return the end of the receipts of each partition that has receipts.

    Each question finds one partition, since it can read the last receipt in key order. A single question for all
    partitions would read every receipt.
    """
    ends: dict[int, int] = {}
    before = PARTITIONS_MAX
    while rows := await asks.ask(RECEIPTS_END, PartitionsBelow(before)):
        before = rows[0].log_partition
        ends[before] = rows[0].end
    return ends
