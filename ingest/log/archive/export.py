"""Export the log into a place, from where the place's manifest ends to where the log ended at the start.

The manifest names a segment once it is durable. So after an interruption, the next run continues after the last named
segment, and removes one that was written but not named.

What the log says is erased at the start is erased in the place: first in the segments that are there, then in what is
added. So the log is searched for erasures before any of it is exported.
"""

from asyncio import to_thread
from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET, structs

from ingest.log.archive.erasures import cuts_of, listed_lines, new_lines
from ingest.log.archive.manifest import Manifest, Source
from ingest.log.archive.meter import Meter
from ingest.log.archive.opened import OpenExport, begin_or_continue
from ingest.log.archive.place import Place
from ingest.log.archive.read_all import read_all
from ingest.log.archive.refusals import Damaged
from ingest.log.archive.rewrite import apply_erasures
from ingest.log.archive.segment import LIMITS, Draft, Limits
from ingest.log.archive.tail import check_tail
from ingest.log.kept import Cuts, kept
from schemas.log.position import LogReader, LogRecord
from store.fail_points import fail_point

Now = Callable[[], str]


class Exported(NamedTuple):
    """What one run added, and the export as it is now."""

    records: int
    segments: int
    bytes: int  # of the added segments
    erased: int  # records for which there is a stub now
    manifest: Manifest


async def export_log(
    log: LogReader, source: Source, place: Place, meter: Meter, now: Now, limits: Limits = LIMITS
) -> Exported:
    """Export what the place lacks.

    Raises `Refused` if the place belongs to another log, another process exports into it, the log has lost records, or
    a file can't be written; `Damaged` if the export is not as it was written; `LogUnavailable`, after which the next
    run continues.
    """
    with place.locked() as writer:
        opened = begin_or_continue(place, writer, source, now())
        try:
            return await _continued(log, opened, meter, now, limits)
        except Damaged:
            opened.check_is_ours()  # else another process has replaced what is missing
            raise


async def _continued(log: LogReader, opened: OpenExport, meter: Meter, now: Now, limits: Limits) -> Exported:
    place, before, ends = opened.place, opened.manifest, await log.ends()
    opened.check_sizes()
    await check_tail(log, place, before, ends)
    opened.remove_unnamed()
    known = listed_lines(place, before)
    lines = list(dict.fromkeys([*known, *await new_lines(log, place, before, ends, meter)]))
    run = _Run(log, opened, cuts_of(lines, before.partitions), meter, now, limits)
    if lines != known or before.erasures is UNSET:
        run.erased = await to_thread(apply_erasures, opened, lines, meter, now)
    meter.begin("export", sum(ends) - before.records)
    for partition, end in enumerate(ends):
        await run.export_partition(partition, end)
    return Exported(opened.manifest.records - before.records, run.added, run.bytes, run.erased, opened.manifest)


class _Run:
    """One run: what it added, and how the next segment is added."""

    def __init__(self, log: LogReader, opened: OpenExport, cuts: Cuts, meter: Meter, now: Now, limits: Limits) -> None:
        self._log, self._opened, self._cuts, self._meter = log, opened, cuts, meter
        self._now, self._limits = now, limits
        self.added = self.bytes = self.erased = 0

    async def export_partition(self, partition: int, end: int) -> None:
        """Add the segments of one partition up to ``end``."""
        manifest = self._opened.manifest
        start, partitions = manifest.ends[partition], manifest.partitions
        draft = Draft(start, partitions, self._limits)
        async for record in read_all(self._log, partition, start, end):
            draft.add(self._kept(record))
            self._meter.add(1, len(record.value or b""))
            if draft.is_full:
                await to_thread(self._add, partition, draft)
                draft = Draft(record.offset + 1, partitions, self._limits)
        if draft.records:
            await to_thread(self._add, partition, draft)

    def _kept(self, record: LogRecord) -> LogRecord:
        """Return the record, or its stub: a topic has erased records still."""
        after = kept(record, self._cuts, self._opened.manifest.partitions) if self._cuts else record
        self.erased += after is not record
        return after

    def _add(self, partition: int, draft: Draft) -> None:
        (segment, content), now = draft.finish(), self._now()
        segment = self._opened.write_segment(partition, structs.replace(segment, exported_at=now), content)
        fail_point("log.segment_written")
        self._opened.save(self._opened.manifest.with_segment(partition, segment, now))
        self.added, self.bytes = self.added + 1, self.bytes + segment.bytes
        fail_point("log.segment_named")
