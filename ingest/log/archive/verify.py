"""Verify an export: its manifest, the hash of each file, each record in it, and the list of erasures."""

from collections.abc import Set as AbstractSet

from msgspec import UNSET, Struct

from ingest.log.archive.erasures import ERASURES, erasure_line, listed_lines
from ingest.log.archive.manifest import Manifest, read_manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged
from ingest.log.archive.segment import Segment, checked_records, is_misplaced, segment_name
from schemas.log.position import Position


class Finding(Struct, frozen=True):
    """A file of the export, and what is wrong with it."""

    file: str
    what: str


class Verified(Struct, frozen=True):
    """What the export holds, and all that is wrong with it.

    The key of a ``misplaced`` record is a session id that belongs to another partition. The log holds such records too,
    as dead letters, so they aren't findings.
    """

    findings: list[Finding]
    partitions: int = 0
    segments: int = 0
    records: int = 0
    bytes: int = 0
    misplaced: int = 0

    @property
    def is_sound(self) -> bool:
        return not self.findings


def verify_export(place: Place, meter: Meter) -> Verified:
    """Read the whole export. Raises `Refused` if the place holds none."""
    try:
        manifest = read_manifest(place)
    except Damaged as damage:
        return Verified([Finding(damage.file, damage.what)])
    return verify_segments(place, manifest, meter)


def verify_segments(place: Place, manifest: Manifest, meter: Meter) -> Verified:
    """Read every segment of a manifest that is sound."""
    meter.begin("verify", manifest.records)
    files = list(manifest.files())
    findings = []
    listed: AbstractSet[bytes] | None = None
    try:
        listed = None if manifest.erasures is UNSET else {*listed_lines(place, manifest)}
    except Damaged as damage:
        findings.append(Finding(damage.file, damage.what))
    for _, partition, segment in files:
        try:
            _check_records(place, partition, segment, manifest.partitions, listed, meter)
        except Damaged as damage:
            findings.append(Finding(damage.file, damage.what))
    return Verified(
        findings=findings,
        partitions=manifest.partitions,
        segments=len(files),
        records=manifest.records,
        bytes=sum(segment.bytes for *_, segment in files),
        misplaced=sum(segment.misplaced for *_, segment in files),
    )


def _check_records(
    place: Place, partition: int, segment: Segment, partitions: int, listed: AbstractSet[bytes] | None, meter: Meter
) -> None:
    name, misplaced = segment_name(partition, segment), 0
    for record in checked_records(place, partition, segment):
        misplaced += is_misplaced(record, partitions)
        erasure = None if listed is None else erasure_line(record, partitions)
        if erasure is not None and listed is not None and erasure not in listed:
            raise Damaged(name, f"{ERASURES} lacks the erasure at {Position(partition, record.offset)}")
        meter.add(1, len(record.value or b""))
    if misplaced != segment.misplaced:
        raise Damaged(
            name,
            f"{misplaced} keys don't belong to partition {partition}, but the manifest says {segment.misplaced}",
        )
