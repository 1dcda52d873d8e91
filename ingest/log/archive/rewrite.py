"""Applies erasures to the segments of an export: new files, in which stubs take the place of erased records.

A new file is on disk before the manifest names it, and the old one is removed after that. The manifest names the
erasures once no segment needs them any more. So after an interruption, the next run finds the same erasures again, and
rewrites the remaining segments.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from ingest.log.archive.erasures import ERASURES, cuts_of
from ingest.log.archive.folder import remove, save
from ingest.log.archive.manifest import MANIFEST, Manifest, encode_manifest, listed
from ingest.log.archive.meter import Meter
from ingest.log.archive.segment import Draft, Segment, checked_records, segment_name
from ingest.log.kept import Cuts, kept
from store.fail_points import fail_point


class Rewritten(NamedTuple):
    """The manifest afterwards, and how many records became stubs."""

    manifest: Manifest
    erased: int


def apply_erasures(
    folder: Path, manifest: Manifest, lines: Sequence[bytes], meter: Meter, now: Callable[[], str]
) -> Rewritten:
    """Apply all erasures of the log to all segments, then list them. Raises `Damaged` and `Refused`."""
    done = Rewritten(manifest, 0)
    if cuts := cuts_of(lines, manifest.partitions):
        meter.begin("erase", manifest.records)
        for _, partition, segment in manifest.files():
            done = _apply(folder, done, partition, segment, cuts, now)
            meter.add(segment.records, segment.bytes)
    content = b"".join(lines)
    save(folder / ERASURES, content)
    fail_point("log.erasures_written")
    named = done.manifest.with_erasures(listed(content), now())
    save(folder / MANIFEST, encode_manifest(named))
    fail_point("log.erasures_named")
    return Rewritten(named, done.erased)


def _apply(
    folder: Path, before: Rewritten, partition: int, segment: Segment, cuts: Cuts, now: Callable[[], str]
) -> Rewritten:
    """Rewrite one segment, if it holds a record that is erased."""
    partitions = before.manifest.partitions
    erased = sum(kept(record, cuts, partitions) is not record for record in checked_records(folder, partition, segment))
    if not erased:
        return before
    draft = Draft(segment.first, partitions)
    for record in checked_records(folder, partition, segment):
        draft.add(kept(record, cuts, partitions))
    new, content = draft.finish()
    new = structs.replace(new, epoch=(segment.epoch or 0) + 1)
    save(folder / segment_name(partition, new), content)
    fail_point("log.segment_rewritten")
    manifest = before.manifest.with_rewritten(partition, new, now())
    save(folder / MANIFEST, encode_manifest(manifest))
    fail_point("log.rewritten_named")
    remove(folder / segment_name(partition, segment))
    fail_point("log.segment_removed")
    return Rewritten(manifest, before.erased + erased)
