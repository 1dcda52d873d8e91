"""Import an export into an empty log, or continue an import that was interrupted.

Order and positions depend only on the export. So an interrupted import leaves, in each partition, the beginning of what
the whole import writes. That beginning is compared record by record before anything is written.

A log with as many partitions as the export gets each record at its old position. In any other log, a record goes to
the partition of its key, after the earlier records of the same session.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ingest.log.archive.manifest import Manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.read_all import read_all
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import check_file, read_segment, segment_name
from ingest.log.archive.verify import verify_segments
from schemas.log.position import LogReader, LogRecord, Position
from schemas.log.topics import partition_of


class Target(LogReader, Protocol):
    """A log that accepts records at given positions; a partition's records come in order, after its end."""

    async def put(self, record: LogRecord) -> None:
        """Accept the next record of its partition; it may become durable later.

        Raises `LogUnavailable`, and `Refused` if the log gives it another position because something else writes to it.
        """

    async def finish(self) -> None:
        """Return once every accepted record is durable at its position; raise the same as `put`."""


class Imported(NamedTuple):
    """How many records were there already, and how many this run added."""

    found: int
    added: int


def check_export(folder: Path, manifest: Manifest, meter: Meter) -> None:
    """Read the whole export before any of it is imported. Raises `Damaged` with the first thing that is wrong."""
    for finding in verify_segments(folder, manifest, meter).findings:
        raise Damaged(finding.file, f"{finding.what}. Nothing was imported")


def planned(folder: Path, manifest: Manifest, partitions: int) -> Iterator[LogRecord]:
    """Yield every record of the export in the order of the import, at its position in ``partitions``.

    The hash of each file is checked before its first record. Raises `Damaged`.
    """
    sources = [_records(folder, manifest, partition) for partition in range(manifest.partitions)]
    return in_target_order(sources, partitions)


def in_target_order(sources: Sequence[Iterable[LogRecord]], partitions: int) -> Iterator[LogRecord]:
    """Yield the records of all source partitions, roughly in the order of the log's time, at their new positions."""
    ends = [0] * partitions
    for record in merged(sources):
        target = record.partition
        if partitions != len(sources):  # a record without a key is garbage, and goes to the first partition
            target = 0 if record.key is None else partition_of(record.key, partitions)
        yield record._replace(partition=target, offset=ends[target])
        ends[target] += 1


def merged(sources: Sequence[Iterable[LogRecord]]) -> Iterator[LogRecord]:
    """Merge partitions by time; each stays in its own order, even where its times go back."""
    return iter(heapq.merge(*sources, key=lambda record: record.timestamp_ms))


async def check_beginning(
    plan: Iterator[LogRecord], log: LogReader, ends: Sequence[int], place: str, meter: Meter
) -> None:
    """Check that each partition holds the beginning of the plan. Raises `Refused` if it holds anything else."""
    found = [read_all(log, partition, 0, end) for partition, end in enumerate(ends)]
    left = sum(ends)
    meter.begin("compare", left)
    for record in plan if left else ():
        if record.offset >= ends[record.partition]:
            continue
        there = await anext(found[record.partition])
        if there != record:
            at = Position(there.partition, there.offset)
            raise not_empty(place, f"its record at {at} is a different one")
        meter.add(1, len(record.value or b""))
        left -= 1
        if not left:
            return
    if left:
        raise not_empty(place, f"it has {left:,} records more than the export")


async def send(plan: Iterator[LogRecord], target: Target, ends: Sequence[int], records: int, meter: Meter) -> Imported:
    """Put the records from ``ends`` on into the target; the plan has ``records``. Raises the same as `Target.put`."""
    meter.begin("import", records - sum(ends))
    added = 0
    for record in plan:
        if record.offset >= ends[record.partition]:
            await target.put(record)
            meter.add(1, len(record.value or b""))
            added += 1
    await target.finish()
    return Imported(sum(ends), added)


def not_empty(place: str, why: str) -> Refused:
    """Return the error for a log that holds something other than the beginning of the import."""
    return Refused(
        f"{place} is not empty, and not what an interrupted import of this export leaves: {why}. Import into a new "
        "log; nothing was changed"
    )


def _records(folder: Path, manifest: Manifest, partition: int) -> Iterator[LogRecord]:
    for segment in manifest.segments[partition]:
        file = folder / segment_name(partition, segment.first)
        check_file(file, segment)
        yield from read_segment(file, partition, segment)
