"""The proof that no position of the log was left out: each has a receipt.

Receipts are counted in ranges of positions, so that no question needs more memory or time as the history grows. A
request gets a proof of the whole log. The audit that runs every minute checks only above the dense-receipt marks.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from litestar import Response, get
from msgspec import Struct
from msgspec.structs import replace

from audit.receipts_end import receipts_end
from audit.turns import OPERATOR_WAIT_S, Turn
from edge.guards import may
from query_api.freshness import PROGRESS, PartitionProgressRow
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply
from store.reading.question import Asks, NoParams, Question

GAPS_MAX = 1_000
POSITIONS_PER_QUESTION = 1 << 21
PositionRange = tuple[int, int]  # [start, stop)


class Positions(Struct, frozen=True):
    partition: int
    start: int
    stop: int


class Gaps(Positions, frozen=True):
    limit: int


class ReceiptsRow(Struct, frozen=True):
    """How many positions have a receipt, how many are projected or erased, and the first one (0 if there is none)."""

    first: int
    receipts: int
    projected: int
    erased: int


class GapRow(Struct, frozen=True):
    start: int
    stop: int


class DenseMarkRow(Struct, frozen=True):
    """Every position of the partition below ``dense_below`` had its receipt when a projector last checked."""

    log_partition: int
    dense_below: int


COVERAGE = Question("audit.coverage", Positions, ReceiptsRow)
COVERAGE_GAPS = Question("store.receipt_gaps", Gaps, GapRow)
RECEIPT_MARKS = Question("audit.receipt_marks", NoParams, DenseMarkRow)


class PartitionCoverage(Struct, frozen=True):
    """The positions of one partition below ``end``; each must have a receipt: ``projected``, ``dead`` or ``erased``."""

    partition: fields.Partition
    first: Annotated[int | None, doc("First offset with a receipt.", 0)]
    end: Annotated[int, doc("End (exclusive) of the offsets that must have a receipt.", 1842)]
    count: Annotated[int, doc("Number of positions with a receipt.", 1842)]
    projected: Annotated[int, doc("Number of projected positions.", 1842)]
    dead: Annotated[int, doc("Number of positions whose record could not be projected.", 0)]
    erased: Annotated[int, doc("Number of positions whose record was erased.", 0)]
    missing: fields.Missing
    gaps: Annotated[list[PositionRange], doc("Ranges `[start, stop)` without a receipt, at most 1,000.", [])]


class Coverage(Struct, frozen=True):
    """Whether every position up to the projected end has its receipt; at most 1,000 gaps are listed."""

    complete: Annotated[bool, doc("Whether every position has a receipt.", True)]
    positions: Annotated[int, doc("Number of log positions.", 7368)]
    missing: fields.Missing
    partitions: Annotated[list[PartitionCoverage], doc("Partitions of the log.")]


@get("/coverage", operation_id="ShowCoverage", guards=[may("operate")])
async def show_coverage(context: Context, turn: Turn) -> Response[Reply[Coverage]]:
    """Show whether every position of the log up to the projected end has its receipt, and list the gaps."""
    async with turn.within(OPERATOR_WAIT_S):
        return context.reply(await load_coverage(context))


async def load_coverage(asks: Asks) -> Coverage:
    """Return the coverage of everything.

    Progress is read first, since every position that it claims must have its receipt by then.
    """
    progress = await asks.ask(PROGRESS, NoParams())
    ends = await receipts_end(asks)
    return coverage_of(progress, [await _row(asks, partition, 0, end) for partition, end in sorted(ends.items())])


async def load_recent_coverage(asks: Asks, suspected: Mapping[int, int]) -> Coverage:
    """Return the coverage above the marks. Receipts below a mark count as found, but not by outcome.

    A ``suspected`` partition is checked from its suspected offset on, even below its mark. If a mark is beyond the last
    receipt, the whole partition is checked.
    """
    progress = await asks.ask(PROGRESS, NoParams())
    marks = {row.log_partition: row.dense_below for row in await asks.ask(RECEIPT_MARKS, NoParams())}
    rows = []
    for partition, end in sorted((await receipts_end(asks)).items()):
        mark = marks.get(partition, 0)
        since = min(mark if mark <= end else 0, suspected.get(partition, mark))
        row = await _row(asks, partition, since, end)
        rows.append(replace(row, first=0 if since else row.first, count=since + row.count))
    return coverage_of(progress, rows)


def first_gaps(coverage: Coverage) -> dict[int, int]:
    """Return the first missing position of each partition with gaps; 0 if its gaps are not listed."""
    return {found.partition: found.gaps[0][0] if found.gaps else 0 for found in coverage.partitions if found.missing}


def coverage_of(progress: Sequence[PartitionProgressRow], receipts: Sequence[PartitionCoverage]) -> Coverage:
    """Compare the receipts with the progress that was claimed before they were read. List at most `GAPS_MAX` gaps."""
    claimed = {row.log_partition: row.projected for row in progress}
    found = {row.partition: row for row in receipts}
    partitions: list[PartitionCoverage] = []
    left = GAPS_MAX
    for name in sorted(claimed | found):
        partition = _partition(name, claimed.get(name, 0), found.get(name))
        gaps = partition.gaps[:left]
        left -= len(gaps)
        partitions.append(replace(partition, gaps=gaps))
    missing = sum(partition.missing for partition in partitions)
    return Coverage(missing == 0, sum(partition.end for partition in partitions), missing, partitions)


async def _row(asks: Asks, partition: int, since: int, end: int) -> PartitionCoverage:
    """Return the receipts of ``[since, end)``; the position ``end - 1`` has one."""
    first, receipts, projected, erased = end, 0, 0, 0
    gaps: list[PositionRange] = []
    for start in range(since, end, POSITIONS_PER_QUESTION):
        stop = min(start + POSITIONS_PER_QUESTION, end)
        (found,) = await asks.ask(COVERAGE, Positions(partition, start, stop))
        if found.receipts:
            first = min(first, found.first)
        receipts += found.receipts
        projected += found.projected
        erased += found.erased
        if not found.receipts:
            _extend(gaps, [GapRow(start, stop)])
        elif found.receipts < stop - start:
            _extend(gaps, await asks.ask(COVERAGE_GAPS, Gaps(partition, start, stop, GAPS_MAX)))
    missing = end - since - receipts
    dead = receipts - projected - erased
    return PartitionCoverage(partition, first, end, receipts, projected, dead, erased, missing, gaps)


def _extend(gaps: list[PositionRange], more: Sequence[GapRow]) -> None:
    """Add the gaps of the next range, up to `GAPS_MAX` in all; a gap that spans both ranges stays one gap."""
    for gap in more:
        if gaps and gaps[-1][1] == gap.start:
            gaps[-1] = gaps[-1][0], gap.stop
        elif len(gaps) < GAPS_MAX:
            gaps.append((gap.start, gap.stop))


def _partition(name: int, claimed: int, row: PartitionCoverage | None) -> PartitionCoverage:
    if row is None:
        return PartitionCoverage(name, None, claimed, 0, 0, 0, 0, claimed, [(0, claimed)] if claimed else [])
    end = max(claimed, row.end)
    gaps = [*row.gaps, (row.end, end)] if row.end < end else row.gaps
    return replace(row, end=end, missing=end - row.count, gaps=gaps)
