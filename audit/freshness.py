"""How fresh what readers see is, partition by partition. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from audit.questions import PartitionProgressRow
from schemas.http.responses import instant


class PartitionFreshness(Struct, frozen=True):
    """One partition; ``null`` where it has not reported yet."""

    partition: int
    log_end: int
    projected: int
    lag: int
    complete_through: str | None
    age_seconds: float | None


class InstallationFreshness(Struct, frozen=True):
    """Everything accepted before ``complete_through`` is visible; ``null`` while a partition has not reported."""

    complete_through: str | None
    lag_records: int
    partitions: list[PartitionFreshness]


def freshness_of(rows: Sequence[PartitionProgressRow]) -> InstallationFreshness:
    """The whole is as fresh as its oldest partition."""
    partitions = [_partition(row) for row in rows]
    complete_ms = min((row.complete_ms for row in rows), default=0)
    return InstallationFreshness(_instant(complete_ms), sum(partition.lag for partition in partitions), partitions)


def _partition(row: PartitionProgressRow) -> PartitionFreshness:
    return PartitionFreshness(
        partition=row.log_partition,
        log_end=row.log_end,
        projected=row.projected,
        lag=max(0, row.log_end - row.projected),
        complete_through=_instant(row.complete_ms),
        age_seconds=row.age_ms / 1000 if row.complete_ms else None,
    )


def _instant(ms: int) -> str | None:
    return instant(ms) if ms else None
