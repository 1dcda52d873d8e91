"""Import an export into an empty log, or continue an import that was interrupted.

Order and positions depend only on the export. So an interrupted import leaves, in each partition, the beginning of what
the whole import writes. That beginning is compared record by record before anything is written.

A log with as many partitions as the export gets each record at its old position. In any other log, a record goes to
the partition of its key, after the earlier records of the same session.

What the export says is erased becomes stubs, even if the export has the records still. A list of newer erasures erases
more; what the export lacks of it comes after the last record of each partition. Where that list erases positions, they
must be those of a log with as many partitions as the export.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from ingest.log.archive.erasures import cuts_of, erasure_line
from ingest.log.archive.manifest import Manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.place import Place
from ingest.log.archive.read_all import read_all
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.rekeyed import Rekeyed
from ingest.log.archive.segment import checked_records
from ingest.log.archive.verify import verify_segments
from ingest.log.kept import Cuts, cuts_in, kept
from schemas.log.codec import encode
from schemas.log.position import LogReader, LogRecord, Position
from schemas.log.records import AnyErasure, PositionsErased


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


def check_export(place: Place, manifest: Manifest, meter: Meter) -> None:
    """Read the whole export before any of it is imported. Raises `Damaged` with the first thing that is wrong."""
    for finding in verify_segments(place, manifest, meter).findings:
        raise Damaged(finding.file, f"{finding.what}. Nothing was imported")


class Plan:
    """What an import of an intact export writes, into a log with so many partitions."""

    def __init__(
        self, place: Place, manifest: Manifest, partitions: int, meter: Meter, newer: Sequence[AnyErasure] = ()
    ) -> None:
        """Search the export for what is erased, if it lists any erasure or was never searched.

        Raises `Damaged`, and `Refused` if ``newer`` erases positions of a log with another number of partitions.
        """
        self._place, self._manifest, self.partitions, self._newer = place, manifest, partitions, newer
        self._cuts = self._before_the_move = Cuts()
        _check_same_positions(newer, manifest.partitions)
        if newer or not manifest.has_no_erasures:
            if partitions != manifest.partitions:
                meter.begin("search", manifest.records)
                self._before_the_move = _positions_in(_counted(chain(*self._sources()), meter), manifest, newer)
            meter.begin("search", manifest.records)
            self._cuts = cuts_in(_counted(self._in_order(), meter), partitions)

    def records(self) -> Iterator[LogRecord]:
        """Yield every record in the order of the import, at its position.

        The hash of each file is checked before its first record. Raises `Damaged`.
        """
        for record in self._in_order():
            yield kept(record, self._cuts, self.partitions) if self._cuts else record

    def _in_order(self) -> Iterator[LogRecord]:
        cuts, partitions = self._before_the_move, self._manifest.partitions
        sources = self._sources()
        if cuts:
            sources = [(kept(record, cuts, partitions) for record in source) for source in sources]
        return in_target_order(sources, self.partitions, self._newer)

    def _sources(self) -> list[Iterable[LogRecord]]:
        return [_records(self._place, self._manifest, partition) for partition in range(self._manifest.partitions)]


def in_target_order(
    sources: Sequence[Iterable[LogRecord]], partitions: int, newer: Iterable[AnyErasure] = ()
) -> Iterator[LogRecord]:
    """Yield the records of all source partitions, roughly in the order of the log's time, at their new positions."""
    ends, keys = [0] * partitions, Rekeyed(len(sources), partitions)
    for record in merged(sources):
        for there in keys.moved(record):
            yield _at_end(there, ends)
    for record in keys.added(newer, tuple(ends)):
        yield _at_end(record, ends)


def _at_end(record: LogRecord, ends: list[int]) -> LogRecord:
    """Return the record at the end of its partition, which moves."""
    ends[record.partition] += 1
    return record._replace(offset=ends[record.partition] - 1)


def _check_same_positions(newer: Iterable[AnyErasure], partitions: int) -> None:
    for erasure in newer:
        if isinstance(erasure, PositionsErased) and erasure.partitions != partitions:
            raise Refused(
                f"the list erases records by their positions in a log of {erasure.partitions} partitions, and the "
                f"export is of {partitions}: import an export that was made after that log was moved"
            )


def _positions_in(records: Iterable[LogRecord], manifest: Manifest, newer: Iterable[AnyErasure]) -> Cuts:
    """Return which positions of the export are erased: after a move they are known no more."""
    lines = (line for record in records if (line := erasure_line(record, manifest.partitions)))
    found = cuts_of(chain(lines, map(encode, newer)), manifest.partitions)
    return Cuts(positions=found.positions)


def merged(sources: Sequence[Iterable[LogRecord]]) -> Iterator[LogRecord]:
    """Merge partitions by time; each stays in its own order, even where its times go back."""
    return iter(heapq.merge(*sources, key=lambda record: record.timestamp_ms))


async def check_beginning(
    plan: Iterator[LogRecord], log: LogReader, ends: Sequence[int], where: str, meter: Meter
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
            raise not_empty(where, f"its record at {at} is a different one")
        meter.add(1, len(record.value or b""))
        left -= 1
        if not left:
            return
    if left:
        raise not_empty(where, f"it has {left:,} records more than the export")


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


def not_empty(where: str, why: str) -> Refused:
    """Return the error for a log that holds something other than the beginning of the import."""
    return Refused(
        f"{where} is not empty, and not what an interrupted import of this export leaves: {why}. Import into a new "
        "log; nothing was changed"
    )


def _counted(records: Iterable[LogRecord], meter: Meter) -> Iterator[LogRecord]:
    for record in records:
        yield record
        meter.add(1, len(record.value or b""))


def _records(place: Place, manifest: Manifest, partition: int) -> Iterator[LogRecord]:
    for segment in manifest.segments[partition]:
        yield from checked_records(place, partition, segment)
