"""The export that this process writes."""

from msgspec import UnsetType, structs

from ingest.log.archive.erasures import ERASURES
from ingest.log.archive.manifest import (
    MANIFEST,
    Manifest,
    Source,
    check_not_lost,
    decode_manifest,
    encode_manifest,
    new_manifest,
)
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import SUFFIX, Segment, segment_name


class OpenExport:
    """A locked place, its manifest, and the versions of the files that are replaced."""

    def __init__(self, place: Place, writer: str | UnsetType, manifest: Manifest, version: str | None) -> None:
        """Take the id that `Place.locked` yields, and the version of the manifest; None if there is none yet."""
        self.place, self.manifest = place, manifest
        self._writer, self._version, self._erasures = writer, version, _version_of(place, ERASURES)

    def write_segment(self, partition: int, segment: Segment, content: bytes) -> Segment:
        """Write a new file; return its entry for the manifest."""
        ours = structs.replace(segment, writer=self._writer)
        self.place.write(segment_name(partition, ours), content)
        return ours

    def remove_segment(self, partition: int, segment: Segment) -> None:
        """Remove a segment that the manifest no longer names."""
        self.place.remove(segment_name(partition, segment))

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest. Raises `Refused` if another process has replaced it."""
        self._version = self.place.swap(MANIFEST, encode_manifest(manifest), self._version)
        self.manifest = manifest

    def save_erasures(self, content: bytes) -> None:
        """Replace the list of erasures. Raises `Refused` if another process has replaced it."""
        self._erasures = self.place.swap(ERASURES, content, self._erasures)

    def remove_unnamed(self) -> None:
        """Remove the segments that an interrupted export wrote but did not name, or replaced but did not remove."""
        named = {name for name, *_ in self.manifest.files()}
        unnamed = [name for name in self.place.sizes() if name.endswith(SUFFIX) and name not in named]
        if unnamed:
            self.check_is_ours()  # after the listing: what it has is then not of a process that took over
        for name in unnamed:
            self.place.remove(name)

    def check_is_ours(self) -> None:
        """Raise `Refused` if another process has replaced the manifest."""
        if _version_of(self.place, MANIFEST) != self._version:
            raise Refused(f"another process exports into {self.place.name}: let only one do so")

    def check_sizes(self) -> None:
        """Raise `Damaged` if a named file is lost: an export that continued would hide the loss."""
        sizes = self.place.sizes()
        for name, _, segment in self.manifest.files():
            if sizes.get(name) != segment.bytes:
                raise Damaged(name, "it is missing or has another size: restore it from another copy of the export")


def begin_or_continue(place: Place, writer: str | UnsetType, source: Source, now: str) -> OpenExport:
    """Return the export in the locked place, a new one if the place is empty.

    Raises the same as `read_manifest`, and `Refused` if the place holds the export of another log.
    """
    try:
        stored = place.read(MANIFEST)
    except FileNotFoundError:
        return _begun(place, writer, source, now)
    manifest = decode_manifest(stored.content)
    _check_source(place, manifest.source, source)
    opened = OpenExport(place, writer, manifest, stored.version)
    if writer:  # take over: from here on, no other process can name a file
        opened.save(structs.replace(manifest, writer=writer))
    return opened


def _begun(place: Place, writer: str | UnsetType, source: Source, now: str) -> OpenExport:
    if sizes := place.sizes():
        check_not_lost(sizes)
        if MANIFEST in sizes:
            raise Refused(f"another process has begun to export into {place.name}: let only one do so")
        raise Refused(f"{place.name} holds other files: name an empty or new one, or that of an earlier export")
    opened = OpenExport(place, writer, structs.replace(new_manifest(source, now), writer=writer), None)
    opened.save(opened.manifest)
    return opened


def _version_of(place: Place, name: str) -> str | None:
    try:
        return place.read(name).version
    except FileNotFoundError:
        return None


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
