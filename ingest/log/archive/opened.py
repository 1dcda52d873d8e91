"""The export that this process writes."""

from collections.abc import Mapping

from ingest.log.archive.manifest import (
    MANIFEST,
    Manifest,
    Source,
    check_not_lost,
    decode_manifest,
    encode_manifest,
    new_manifest,
)
from ingest.log.archive.place import Place, Version
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import SUFFIX, Segment, segment_name


class OpenExport:
    """A locked place, and the manifest that is there."""

    def __init__(self, place: Place, manifest: Manifest, version: Version | None) -> None:
        """Take the version of the manifest; None if there is none yet."""
        self.place, self.manifest, self._version = place, manifest, version

    def write_segment(self, partition: int, segment: Segment, content: bytes) -> None:
        self.place.write(segment_name(partition, segment), content)

    def remove_segment(self, partition: int, segment: Segment) -> None:
        """Remove a segment that the manifest no longer names."""
        self.place.remove(segment_name(partition, segment))

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest. Raises `Refused` if another process has replaced it."""
        self._version = self.place.swap(MANIFEST, encode_manifest(manifest), self._version)
        self.manifest = manifest

    def remove_unnamed(self) -> None:
        """Remove the segments that an interrupted export wrote but did not name, or replaced but did not remove."""
        named = {name for name, *_ in self.manifest.files()}
        for name in self.place.sizes():
            if name.endswith(SUFFIX) and name not in named:
                self.place.remove(name)


def begin_or_continue(place: Place, source: Source, now: str) -> OpenExport:
    """Return the export in the locked place, a new one if the place is empty.

    Raises the same as `read_manifest`, and `Refused` if the place holds the export of another log.
    """
    sizes = place.sizes()
    if not sizes:
        opened = OpenExport(place, new_manifest(source, now), None)
        opened.save(opened.manifest)
        return opened
    if MANIFEST not in sizes:
        check_not_lost(sizes)
        raise Refused(f"{place.name} holds other files: name an empty or new one, or that of an earlier export")
    stored = place.read(MANIFEST)
    opened = OpenExport(place, decode_manifest(stored.content), stored.version)
    _check_source(place, opened.manifest.source, source)
    _check_sizes(sizes, opened.manifest)
    return opened


def _check_sizes(sizes: Mapping[str, int], manifest: Manifest) -> None:
    """Refuse to continue an export that has lost a file, since that would hide the loss."""
    for name, _, segment in manifest.files():
        if sizes.get(name) != segment.bytes:
            raise Damaged(name, "it is missing or has another size: restore it from another copy of the export")


def _check_source(place: Place, exported: Source, source: Source) -> None:
    if exported.secrets != source.secrets:
        raise Refused(
            f"{place.name} is the export of another installation: its secrets have the fingerprint {exported.secrets}, "
            f"those of this one {source.secrets}. Export elsewhere"
        )
    if exported.topic != source.topic or exported.partitions != source.partitions:
        raise Refused(
            f"{place.name} is the export of {exported.words}, but this log is {source.words}: export elsewhere"
        )
