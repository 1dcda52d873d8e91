"""Checks that a log still has what was exported last."""

from collections import deque
from collections.abc import Sequence

from ingest.log.archive.manifest import Manifest
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Refused
from ingest.log.archive.segment import Segment, checked_records, line_hash
from schemas.log.codec import is_stub
from schemas.log.position import LogReader, LogRecord, Position


async def check_tail(log: LogReader, place: Place, manifest: Manifest, ends: Sequence[int]) -> None:
    """Check that the last exported record of each partition is still in the log. Raises `Refused`, or `Damaged`."""
    for partition, segments in enumerate(manifest.segments):
        if not segments:
            continue
        at = Position(partition, segments[-1].end - 1)
        found = await log.read(partition, at.offset, at.offset + 1, 1) if ends[partition] > at.offset else ()
        if not found or not is_last(found[0], place, segments[-1]):
            raise Refused(
                f"the log has {'another' if found else 'no'} record at {at}, where the export ends: it has lost its "
                "end, or is another log. Keep this export, which has what the log lacks, and export elsewhere"
            )


def is_last(record: LogRecord, place: Place, segment: Segment) -> bool:
    """Return whether a record is the last one of its segment, even if one of the two is only a stub."""
    if line_hash(record) == segment.last:
        return True
    (exported,) = deque(checked_records(place, record.partition, segment), maxlen=1)
    return record._replace(value=exported.value) == exported and (is_stub(record) or is_stub(exported))
