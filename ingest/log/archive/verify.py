"""Verify an export: its manifest, the hash of each file, and each record in it."""

from pathlib import Path

from msgspec import Struct

from ingest.log.archive.folder import read_manifest
from ingest.log.archive.manifest import Manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.refusals import Damaged
from ingest.log.archive.segment import Segment, check_file, is_misplaced, read_segment


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


def verify_export(folder: Path, meter: Meter) -> Verified:
    """Read the whole export. Raises `Refused` if the folder holds none."""
    try:
        manifest = read_manifest(folder)
    except Damaged as damage:
        return Verified([Finding(damage.file, damage.what)])
    return verify_segments(folder, manifest, meter)


def verify_segments(folder: Path, manifest: Manifest, meter: Meter) -> Verified:
    """Read every segment of a manifest that is sound."""
    meter.begin("verify", manifest.records)
    files = list(manifest.files())
    findings = []
    for name, partition, segment in files:
        try:
            check_file(folder / name, segment)
            _check_records(folder / name, partition, segment, manifest.partitions, meter)
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


def _check_records(file: Path, partition: int, segment: Segment, partitions: int, meter: Meter) -> None:
    misplaced = 0
    for record in read_segment(file, partition, segment):
        misplaced += is_misplaced(record, partitions)
        meter.add(1, len(record.value or b""))
    if misplaced != segment.misplaced:
        raise Damaged(
            file.name,
            f"{misplaced} keys don't belong to partition {partition}, but the manifest says {segment.misplaced}",
        )
