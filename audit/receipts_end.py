"""The ends of the receipts: how far each partition is projected, by its last receipt alone."""

from msgspec import Struct

from query_api.question import Asks, Question

PARTITIONS_MAX = 1 << 16


class PartitionsBelow(Struct, frozen=True):
    """The partitions below ``before``."""

    before: int


class ReceiptsEndRow(Struct, frozen=True):
    """A partition whose last receipt is that of the position before ``end``."""

    log_partition: int
    end: int


RECEIPTS_END = Question("audit.receipts_end", PartitionsBelow, ReceiptsEndRow)


async def receipts_end(asks: Asks) -> dict[int, int]:
    """Return the end of the receipts of each partition that has any.

    A question finds one partition: its last receipt is read in the order of the key. One question for all of them would
    read every receipt.
    """
    ends: dict[int, int] = {}
    before = PARTITIONS_MAX
    while rows := await asks.ask(RECEIPTS_END, PartitionsBelow(before)):
        before = rows[0].log_partition
        ends[before] = rows[0].end
    return ends
