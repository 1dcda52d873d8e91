"""Export the log into a folder, from where the folder's manifest ends to where the log ended at the start.

The manifest names a segment once it is on disk. So after an interruption, the next run continues after the last named
segment, and replaces one that was written but not named.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ingest.log.archive.folder import begin_or_continue, locked_export, save
from ingest.log.archive.manifest import MANIFEST, Manifest, Source, encode_manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.read_all import read_all
from ingest.log.archive.refusals import Refused
from ingest.log.archive.segment import LIMITS, Draft, Limits, line_hash, segment_name
from schemas.log.position import LogReader, Position
from store.fail_points import fail_point

Now = Callable[[], str]


class Exported(NamedTuple):
    """What one run added, and the export as it is now."""

    records: int
    segments: int
    bytes: int  # of the new files
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
        await _check_tail(log, before, ends)
        meter.begin("export", sum(ends) - before.records)
        run = _Run(log, folder, before, meter, now, limits)
        for partition, end in enumerate(ends):
            await run.export_partition(partition, end)
        return Exported(run.manifest.records - before.records, run.added, run.bytes, run.manifest)


class _Run:
    """One run: the manifest so far, and how the next segment is added."""

    def __init__(
        self, log: LogReader, folder: Path, manifest: Manifest, meter: Meter, now: Now, limits: Limits
    ) -> None:
        self._log, self._folder, self._meter, self._now, self._limits = log, folder, meter, now, limits
        self.manifest = manifest
        self.added = self.bytes = 0

    async def export_partition(self, partition: int, end: int) -> None:
        """Add the segments of one partition up to ``end``."""
        start, partitions = self.manifest.ends[partition], self.manifest.partitions
        draft = Draft(start, partitions, self._limits)
        async for record in read_all(self._log, partition, start, end):
            draft.add(record)
            self._meter.add(1, len(record.value or b""))
            if draft.is_full:
                self._add(partition, draft)
                draft = Draft(record.offset + 1, partitions, self._limits)
        if draft.records:
            self._add(partition, draft)

    def _add(self, partition: int, draft: Draft) -> None:
        segment, content = draft.finish()
        save(self._folder / segment_name(partition, segment.first), content)
        fail_point("log.segment_written")
        self.manifest = self.manifest.with_segment(partition, segment, self._now())
        save(self._folder / MANIFEST, encode_manifest(self.manifest))
        self.added, self.bytes = self.added + 1, self.bytes + segment.bytes
        fail_point("log.segment_named")


async def _check_tail(log: LogReader, manifest: Manifest, ends: Sequence[int]) -> None:
    """Check that the last exported record of each partition is still in the log, unchanged."""
    for partition, segments in enumerate(manifest.segments):
        if not segments:
            continue
        at = Position(partition, segments[-1].end - 1)
        found = await log.read(partition, at.offset, at.offset + 1, 1) if ends[partition] > at.offset else ()
        if not found or line_hash(found[0]) != segments[-1].last:
            raise Refused(
                f"the log has {'another' if found else 'no'} record at {at}, where the export ends: it has lost its "
                "end, or is another log. Keep this export, which has what the log lacks, and name another folder"
            )
