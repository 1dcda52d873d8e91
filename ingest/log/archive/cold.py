"""Reads records by offset from an archive: the part of a log that its topic no longer has."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from ingest.log.archive.manifest import Manifest, Source, read_manifest
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged, NoExport, Refused
from ingest.log.archive.segment import Segment, checked_records, segment_name
from ingest.log.broken import BrokenLog
from schemas.log.position import LogRecord, LogUnavailable, Position


def manifest_of(place: Place, source: Source) -> Manifest:
    """Return the manifest of a log's archive.

    Raises the same as `read_manifest`, and `BrokenLog` if the place has the archive of another log.
    """
    manifest = read_manifest(place)
    if manifest.source != source:
        other = manifest.source
        raise BrokenLog(
            f"{place.name} is the archive of another log, {other.words} (secrets {other.secrets}); this one is "
            f"{source.words} (secrets {source.secrets}): set ARCHIVE_URL"
        )
    return manifest


@contextmanager
def _explained() -> Iterator[None]:
    """Tell an archive that is broken from one that can't be reached now."""
    try:
        yield
    except (Damaged, NoExport) as error:
        raise BrokenLog(f"the archive of the log can't be read: {error}") from error
    except Refused as error:
        raise LogUnavailable(f"the archive of the log can't be read: {error}") from error


class ColdLog:
    """Reads an archive while a keeper adds to it.

    The last segment that was read stays in memory, decoded, even if it is rewritten meanwhile.
    """

    def __init__(self, place: Place, source: Source) -> None:
        self._place, self._source = place, source
        self._manifest: Manifest | None = None
        self._decoded: tuple[str, Sequence[LogRecord]] = ("", ())
        self._turn = asyncio.Lock()

    async def starts(self) -> Sequence[int]:
        """Return zeros: an archive has everything since the log began."""
        return [0] * self._source.partitions

    async def ends(self) -> Sequence[int]:
        """Return the offset after the last record of each partition. Raises as `read` does."""
        async with self._turn:
            with _explained():
                return (await asyncio.to_thread(self._look)).ends

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return records of ``[start, stop)`` in order, of one segment, about ``bytes_max`` bytes but at least one.

        Raises `BrokenLog` if the archive is of another log, damaged, or lacks the first of these records, and
        `LogUnavailable`. A call that is cancelled goes on in its thread, beside the next one.
        """
        async with self._turn:
            with _explained():
                return await asyncio.to_thread(self._read, partition, start, stop, bytes_max)

    def _read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        at = Position(partition, start)
        segment = self._find(at)
        records = self._records(at, segment)
        size, taken = 0, list[LogRecord]()
        for record in islice(records, start - segment.first, stop - segment.first):
            if taken and size >= bytes_max:
                break
            taken.append(record)
            size += len(record.value or b"")
        return taken

    def _find(self, at: Position) -> Segment:
        """Return the segment that has this record; look again if the manifest that is known lacks it."""
        for is_known in (True, False):
            manifest = self._manifest
            if manifest is None or not is_known:
                manifest = self._look()
            if at.offset < manifest.ends[at.partition]:
                return manifest.segment_with(at)
        raise BrokenLog(
            f"neither the topic nor the archive has the record at {at}: the archive is an older copy, or that of a "
            "keeper with another ARCHIVE_URL. Restore the newest copy"
        )

    def _records(self, at: Position, segment: Segment) -> Sequence[LogRecord]:
        name = segment_name(at.partition, segment)
        decoded, records = self._decoded
        if decoded == name:
            return records
        try:
            records = tuple(checked_records(self._place, at.partition, segment))
        except Damaged:
            if (now := self._rewritten(at)) == segment:
                raise
            return self._records(at, now)
        self._decoded = name, records
        return records

    def _rewritten(self, at: Position) -> Segment:
        """Return the segment that now has this record: an erasure removes the file of the one that had it."""
        return self._look().segment_with(at)

    def _look(self) -> Manifest:
        self._manifest = manifest = manifest_of(self._place, self._source)
        return manifest
