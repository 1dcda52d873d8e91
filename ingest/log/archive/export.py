"""Export the log into a folder, from where the folder's manifest ends to where the log ended at the start.

The manifest names a segment once it is on disk. So after an interruption, the next run continues after the last named
segment, and removes one that was written but not named.

What the log says is erased at the start is erased in the folder: first in the segments that are there, then in what is
added. So the log is searched for erasures before any of it is exported.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec import UNSET

from ingest.log.archive.erasures import cuts_of, listed_lines, new_lines
from ingest.log.archive.folder import begin_or_continue, locked_export, remove_unnamed, save
from ingest.log.archive.manifest import MANIFEST, Manifest, Source, encode_manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.read_all import read_all
from ingest.log.archive.rewrite import apply_erasures
from ingest.log.archive.segment import LIMITS, Draft, Limits, segment_name
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
    log: LogReader, source: Source, folder: Path, meter: Meter, now: Now, limits: Limits = LIMITS
) -> Exported:
    """Export what the folder lacks.

    Raises `Refused` if the folder belongs to another log, the log has lost records, or a file can't be written;
    `Damaged` if the export is not as it was written; `LogUnavailable`, after which the next run continues.
    """
    with locked_export(folder):
        before = begin_or_continue(folder, source, now())
        ends = await log.ends()
        await check_tail(log, folder, before, ends)
        remove_unnamed(folder, before)
        known = listed_lines(folder, before)
        lines = list(dict.fromkeys([*known, *await new_lines(log, folder, before, ends, meter)]))
        run = _Run(log, folder, before, cuts_of(lines, source.partitions), meter, now, limits)
        if lines != known or before.erasures is UNSET:
            run.manifest, run.erased = apply_erasures(folder, before, lines, meter, now)
        meter.begin("export", sum(ends) - before.records)
        for partition, end in enumerate(ends):
            await run.export_partition(partition, end)
        return Exported(run.manifest.records - before.records, run.added, run.bytes, run.erased, run.manifest)


class _Run:
    """One run: the manifest so far, and how the next segment is added."""

    def __init__(
        self, log: LogReader, folder: Path, manifest: Manifest, cuts: Cuts, meter: Meter, now: Now, limits: Limits
    ) -> None:
        self._log, self._folder, self._cuts, self._meter = log, folder, cuts, meter
        self._now, self._limits = now, limits
        self.manifest = manifest
        self.added = self.bytes = self.erased = 0

    async def export_partition(self, partition: int, end: int) -> None:
        """Add the segments of one partition up to ``end``."""
        start, partitions = self.manifest.ends[partition], self.manifest.partitions
        draft = Draft(start, partitions, self._limits)
        async for record in read_all(self._log, partition, start, end):
            draft.add(self._kept(record))
            self._meter.add(1, len(record.value or b""))
            if draft.is_full:
                self._add(partition, draft)
                draft = Draft(record.offset + 1, partitions, self._limits)
        if draft.records:
            self._add(partition, draft)

    def _kept(self, record: LogRecord) -> LogRecord:
        """Return the record, or its stub: a topic has erased records still."""
        after = kept(record, self._cuts, self.manifest.partitions) if self._cuts else record
        self.erased += after is not record
        return after

    def _add(self, partition: int, draft: Draft) -> None:
        segment, content = draft.finish()
        save(self._folder / segment_name(partition, segment), content)
        fail_point("log.segment_written")
        self.manifest = self.manifest.with_segment(partition, segment, self._now())
        save(self._folder / MANIFEST, encode_manifest(self.manifest))
        self.added, self.bytes = self.added + 1, self.bytes + segment.bytes
        fail_point("log.segment_named")
