"""`manifest.json`: what an export holds, and whose it is. It includes its own hash, so no byte can change unnoticed."""

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged, NoExport
from ingest.log.archive.segment import SUFFIX, Segment, segment_name
from schemas.log.position import Position

FORMAT = 2  # format 1 knew no erasures
_FORMATS = (1, FORMAT)
MANIFEST = "manifest.json"


class Source(NamedTuple):
    """The log that is exported; ``secrets`` is the fingerprint of its installation."""

    topic: str
    partitions: int
    secrets: str

    @property
    def words(self) -> str:
        """The log, as messages name it."""
        return f"{self.topic} with {self.partitions} partition{'s' if self.partitions != 1 else ''}"


class Listed(Struct, frozen=True):
    """The first ``bytes`` of the list of erasures: no segment holds a record that they erase."""

    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """``segments`` holds each partition's segments in the order of their offsets; times are UTC.

    Without ``erasures``, the segments have not been searched for erasures yet.
    """

    format: int = FORMAT
    topic: str
    partitions: int
    secrets: str
    begun_at: str
    updated_at: str
    segments: list[list[Segment]]
    erasures: Listed | UnsetType = UNSET
    writer: str | UnsetType = UNSET  # the id of the run that may change the export; absent in folders
    sha256: str = ""  # of this file with an empty string here

    @property
    def source(self) -> Source:
        """Whose export it is."""
        return Source(self.topic, self.partitions, self.secrets)

    @property
    def ends(self) -> list[int]:
        """The offset after the last exported record of each partition."""
        return [segments[-1].end if segments else 0 for segments in self.segments]

    @property
    def records(self) -> int:
        return sum(self.ends)

    @property
    def has_no_erasures(self) -> bool:
        """Whether the segments were searched for erasures, and have none."""
        return self.erasures is not UNSET and not self.erasures.bytes

    def segment_with(self, at: Position) -> Segment:
        """Return the segment that holds the record at a position below `ends`."""
        segments = self.segments[at.partition]
        return segments[bisect_right(segments, at.offset, key=lambda segment: segment.first) - 1]

    def with_segment(self, partition: int, segment: Segment, now: str) -> "Manifest":
        """Return the manifest with one more segment at the end of a partition."""
        segments = [*self.segments]
        segments[partition] = [*segments[partition], segment]
        return structs.replace(self, segments=segments, updated_at=now)

    def with_rewritten(self, partition: int, segment: Segment, now: str) -> "Manifest":
        """Return the manifest with a segment in the place of the one that begins at the same offset."""
        segments = [*self.segments]
        segments[partition] = [segment if old.first == segment.first else old for old in segments[partition]]
        return structs.replace(self, segments=segments, updated_at=now)

    def with_erasures(self, erasures: Listed, now: str) -> "Manifest":
        """Return the manifest once these erasures are applied to every segment."""
        return structs.replace(self, erasures=erasures, updated_at=now)

    def files(self) -> Iterator[tuple[str, int, Segment]]:
        """Yield name, partition and segment of each file."""
        for partition, segments in enumerate(self.segments):
            for segment in segments:
                yield segment_name(partition, segment), partition, segment


class _AnyFormat(Struct):
    format: int


def listed(content: bytes) -> Listed:
    """Return what names this beginning of the list."""
    return Listed(len(content), hashlib.sha256(content).hexdigest())


def new_manifest(source: Source, now: str) -> Manifest:
    """Return the manifest of an export without segments."""
    segments: list[list[Segment]] = [[] for _ in range(source.partitions)]
    return Manifest(**source._asdict(), begun_at=now, updated_at=now, segments=segments)


def read_manifest(place: Place) -> Manifest:
    """Return the manifest of an export.

    Raises `NoExport` if the place has none, and `Damaged` if the manifest is missing or not as it was written.
    """
    try:
        return decode_manifest(place.read(MANIFEST).content)
    except FileNotFoundError:
        check_not_lost(place.sizes())
        raise NoExport(f"{place.name} holds no export of a log: `log export` makes one") from None


def check_not_lost(names: Collection[str]) -> None:
    """Raise `Damaged` if there are segments among the files of a place without a manifest."""
    if MANIFEST not in names and any(name.endswith(SUFFIX) for name in names):
        raise Damaged(MANIFEST, "it is missing: restore it from another copy of the export")


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the content of the file, with its own hash in it."""
    unsealed = _encode(structs.replace(manifest, sha256=""))
    return _encode(structs.replace(manifest, sha256=hashlib.sha256(unsealed).hexdigest()))


def decode_manifest(raw: bytes) -> Manifest:
    """Return the manifest, in the current format. Raises `Damaged` if a single byte differs from what was encoded."""
    try:
        found = msgspec.json.decode(raw, type=_AnyFormat).format
        if found not in _FORMATS:
            raise Damaged(MANIFEST, f"format {found} is unknown to this version: use the version that wrote it")
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(MANIFEST, f"it is not a manifest: {error}") from error
    if encode_manifest(manifest) != raw:
        raise Damaged(MANIFEST, "it differs from its own SHA-256: restore it from another copy of the export")
    if len(manifest.segments) != manifest.partitions:
        raise Damaged(MANIFEST, f"it lists {len(manifest.segments)} of {manifest.partitions} partitions")
    for partition, segments in enumerate(manifest.segments):  # each begins at 0, and has no gap
        end = 0
        for segment in segments:
            if segment.first != end or segment.records < 1:
                raise Damaged(MANIFEST, f"partition {partition} has no records at {end}, before {segment.first}")
            end = segment.end
    return structs.replace(manifest, format=FORMAT)


def _encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
