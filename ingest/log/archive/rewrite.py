"""Applies erasures to the segments of an export: new files, in which stubs take the place of erased records.

A new file is durable before the manifest names it, and the old one is removed after that. The manifest names the
erasures once no segment needs them any more. So after an interruption, the next run finds the same erasures again, and
rewrites the remaining segments.
"""

from collections.abc import Callable, Sequence

from msgspec import structs

from ingest.log.archive.erasures import cuts_of
from ingest.log.archive.manifest import listed
from ingest.log.archive.meter import Meter
from ingest.log.archive.opened import OpenExport
from ingest.log.archive.segment import Draft, Segment, checked_records
from ingest.log.kept import Cuts, kept
from store.fail_points import fail_point


def apply_erasures(opened: OpenExport, lines: Sequence[bytes], meter: Meter, now: Callable[[], str]) -> int:
    """Apply all erasures of the log to all segments, then list them; return how many records became stubs.

    Raises `Damaged` and `Refused`.
    """
    before, erased = opened.manifest, 0
    if cuts := cuts_of(lines, before.partitions):
        meter.begin("erase", before.records)
        for _, partition, segment in before.files():
            erased += _apply(opened, partition, segment, cuts, now)
            meter.add(segment.records, segment.bytes)
    content = b"".join(lines)
    opened.save_erasures(content)
    fail_point("log.erasures_written")
    opened.save(opened.manifest.with_erasures(listed(content), now()))
    fail_point("log.erasures_named")
    return erased


def _apply(opened: OpenExport, partition: int, segment: Segment, cuts: Cuts, now: Callable[[], str]) -> int:
    """Rewrite one segment, if it holds a record that is erased; return how many it holds."""
    place, partitions = opened.place, opened.manifest.partitions
    erased = sum(kept(record, cuts, partitions) is not record for record in checked_records(place, partition, segment))
    if not erased:
        return 0
    draft = Draft(segment.first, partitions)
    for record in checked_records(place, partition, segment):
        draft.add(kept(record, cuts, partitions))
    new, content = draft.finish()
    new = structs.replace(new, epoch=(segment.epoch or 0) + 1, exported_at=segment.exported_at)
    new = opened.write_segment(partition, new, content)
    fail_point("log.segment_rewritten")
    opened.save(opened.manifest.with_rewritten(partition, new, now()))
    fail_point("log.rewritten_named")
    opened.remove_segment(partition, segment)
    fail_point("log.segment_removed")
    return erased
