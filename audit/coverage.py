"""The proof that no position of the log was left out: each of them has a receipt."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from msgspec.structs import replace

from edge.guards import may
from query_api.freshness import PROGRESS, PartitionProgressRow
from query_api.question import Asks, NoParams, Question
from query_api.read_context import ReadContext
from schemas.http.responses import Reply

GAPS_MAX = 1_000
PositionRange = tuple[int, int]  # [start, stop)


class GapLimit(Struct, frozen=True):
    """At most ``limit`` gaps of each partition are listed."""

    limit: int


class CoverageRow(Struct, frozen=True):
    """The receipts of one partition from ``first`` to ``end``, and the ranges below ``end`` that have none."""

    log_partition: int
    first: int
    end: int
    receipts: int
    projected: int
    dead: int
    gaps: list[PositionRange]


COVERAGE = Question("audit.coverage", GapLimit, CoverageRow)


class PartitionCoverage(Struct, frozen=True):
    """Positions 0 to ``end`` of one partition; each of them must have a receipt, ``projected`` or ``dead``."""

    partition: int
    first: int | None
    end: int
    count: int
    projected: int
    dead: int
    missing: int
    gaps: list[PositionRange]


class Coverage(Struct, frozen=True):
    """Whether every position up to the projected end has its receipt; at most 1,000 gaps are listed."""

    complete: bool
    positions: int
    missing: int
    partitions: list[PartitionCoverage]


@get("/coverage", operation_id="ShowCoverage", guards=[may("operate")])
async def show_coverage(context: NamedDependency[ReadContext]) -> Response[Reply[Coverage]]:
    """Show whether every position of the log up to the projected end has its receipt, and list the gaps."""
    return context.reply(await load_coverage(context))


async def load_coverage(asks: Asks) -> Coverage:
    """Return the coverage. Progress is read first: every position that it claims has its receipt by then."""
    progress = await asks.ask(PROGRESS, NoParams())
    return coverage_of(progress, await asks.ask(COVERAGE, GapLimit(GAPS_MAX)))


def coverage_of(progress: Sequence[PartitionProgressRow], receipts: Sequence[CoverageRow]) -> Coverage:
    """Compare the receipts with the progress that was claimed before they were read."""
    claimed = {row.log_partition: row.projected for row in progress}
    found = {row.log_partition: row for row in receipts}
    partitions = [_partition(name, claimed.get(name, 0), found.get(name)) for name in sorted(claimed | found)]
    missing = sum(partition.missing for partition in partitions)
    positions = sum(partition.end for partition in partitions)
    return Coverage(missing == 0, positions, missing, _with_fewer_gaps(partitions))


def _partition(name: int, claimed: int, row: CoverageRow | None) -> PartitionCoverage:
    if row is None:
        return PartitionCoverage(name, None, claimed, 0, 0, 0, claimed, [(0, claimed)] if claimed else [])
    end = max(claimed, row.end)
    gaps = [*row.gaps, (row.end, end)] if row.end < end else row.gaps
    return PartitionCoverage(name, row.first, end, row.receipts, row.projected, row.dead, end - row.receipts, gaps)


def _with_fewer_gaps(partitions: Sequence[PartitionCoverage]) -> list[PartitionCoverage]:
    """Return the same with at most `GAPS_MAX` gaps in all."""
    left, listed = GAPS_MAX, []
    for partition in partitions:
        gaps = partition.gaps[:left]
        left -= len(gaps)
        listed.append(replace(partition, gaps=gaps))
    return listed
