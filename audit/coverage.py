"""From receipts to what they prove: that no position of the log was left out. Pure."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from audit.questions import CoverageRow, PartitionProgressRow

GAPS_MAX = 1_000
Gap = tuple[int, int]  # [start, stop)


class PartitionCoverage(Struct, frozen=True):
    """Positions 0 to ``end`` of one partition; each of them has to have a receipt, ``projected`` or ``dead``."""

    partition: int
    first: int | None
    end: int
    count: int
    projected: int
    dead: int
    missing: int
    gaps: list[Gap]


class Coverage(Struct, frozen=True):
    """Whether every position up to the projected end has its receipt; of the gaps 1,000 are listed at most."""

    complete: bool
    positions: int
    missing: int
    partitions: list[PartitionCoverage]


def coverage_of(progress: Sequence[PartitionProgressRow], receipts: Sequence[CoverageRow]) -> Coverage:
    """Hold the receipts against the progress that was claimed before they were read."""
    claimed = {row.log_partition: row.projected for row in progress}
    found = {row.log_partition: row for row in receipts}
    whole = [_partition(name, claimed.get(name, 0), found.get(name)) for name in sorted(claimed | found)]
    missing = sum(partition.missing for partition in whole)
    return Coverage(missing == 0, sum(partition.end for partition in whole), missing, _listed(whole))


def _partition(name: int, claimed: int, row: CoverageRow | None) -> PartitionCoverage:
    if row is None:
        return PartitionCoverage(name, None, claimed, 0, 0, 0, claimed, [(0, claimed)] if claimed else [])
    end = max(claimed, row.end)
    gaps = [*row.gaps, (row.end, end)] if row.end < end else row.gaps
    return PartitionCoverage(name, row.first, end, row.receipts, row.projected, row.dead, end - row.receipts, gaps)


def _listed(partitions: Sequence[PartitionCoverage]) -> list[PartitionCoverage]:
    """The same with no more gaps in all than are listed."""
    left, listed = GAPS_MAX, []
    for partition in partitions:
        gaps = partition.gaps[:left]
        left -= len(gaps)
        listed.append(replace(partition, gaps=gaps))
    return listed
