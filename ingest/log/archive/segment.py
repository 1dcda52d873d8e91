"""A segment: consecutive records of one partition, as lines of JSON compressed with zstd."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple
from uuid import UUID

from backports.zstd import ZstdCompressor, ZstdError, ZstdFile
from msgspec import UNSET, Struct, UnsetType

from ingest.log.archive.line import BadLine, decode_line, encode_line
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged
from schemas.log.position import LogRecord
from schemas.log.topics import partition_of

SUFFIX = ".jsonl.zst"
_KEY_BYTES = 16


class Limits(NamedTuple):
    """The size of a full segment; ``bytes_max`` is before compression, and its last record may exceed it."""

    bytes_max: int = 64 << 20
    records_max: int = 100_000


LIMITS = Limits()


class Segment(Struct, frozen=True):
    """A segment's entry in the manifest. ``bytes`` and ``sha256`` are of the file, ``last`` is of its last line.

    ``exported_at`` is the time (UTC) by the exporter's clock; those of its records are by other clocks.
    """

    first: int  # offset
    records: int
    bytes: int
    sha256: str
    last: str
    misplaced: int = 0  # records whose key belongs to another partition: the log has them as dead letters
    epoch: int | UnsetType = UNSET  # how often it was rewritten since; absent in format 1
    writer: str | UnsetType = UNSET  # the id of the run that wrote the file; absent in folders
    exported_at: str | UnsetType = UNSET  # absent in older exports

    @property
    def end(self) -> int:
        """The offset after the last record."""
        return self.first + self.records


def segment_name(partition: int, segment: Segment) -> str:
    """Return the name of the file, a new one each time it is rewritten; names sort by partition and offset."""
    epoch = f".e{segment.epoch}" if segment.epoch else ""
    writer = f".{segment.writer}" if segment.writer else ""
    return f"{partition:04d}-{segment.first:015d}{epoch}{writer}{SUFFIX}"


def line_hash(record: LogRecord) -> str:
    """Return what `Segment.last` is for this record."""
    return _sha256(encode_line(record))


def is_misplaced(record: LogRecord, partitions: int) -> bool:
    """Return whether the key is a session id that belongs to another of ``partitions``."""
    key = record.key
    if key is None or len(key) != _KEY_BYTES or UUID(bytes=key).version != 4:
        return False
    return partition_of(key, partitions) != record.partition


class Draft:
    """A segment in the making: records go in, and in the end the bytes of the file come out."""

    def __init__(self, first: int, partitions: int, limits: Limits = LIMITS) -> None:
        self._first, self._partitions, self._limits = first, partitions, limits
        self._compressor = ZstdCompressor()
        self._chunks: list[bytes] = []
        self._last = b""
        self.records = self._bytes = self._misplaced = 0

    def add(self, record: LogRecord) -> None:
        self._last = encode_line(record)
        self._chunks.append(self._compressor.compress(self._last))
        self.records += 1
        self._bytes += len(self._last)
        self._misplaced += is_misplaced(record, self._partitions)

    @property
    def is_full(self) -> bool:
        """Whether the next record belongs to the next segment."""
        return self.records >= self._limits.records_max or self._bytes >= self._limits.bytes_max

    def finish(self) -> tuple[Segment, bytes]:
        """Return the segment and the content of its file."""
        content = b"".join([*self._chunks, self._compressor.flush()])
        last = _sha256(self._last)
        return Segment(self._first, self.records, len(content), _sha256(content), last, self._misplaced), content


def checked_records(place: Place, partition: int, segment: Segment) -> Iterator[LogRecord]:
    """Yield the records of a segment. Raises `Damaged`; the hash of its file is checked before the first record.

    The file is in memory meanwhile: at most `Limits.bytes_max` and a record, but compressed.
    """
    content = checked_content(place, partition, segment)
    yield from records_in(content, segment_name(partition, segment), partition, segment)


def checked_content(place: Place, partition: int, segment: Segment) -> bytes:
    """Return the file of a segment as it was written. Raises `Damaged`."""
    name = segment_name(partition, segment)
    try:
        content = place.read(name).content
    except FileNotFoundError:
        raise Damaged(name, "it is missing: restore it from another copy of the export") from None
    if _sha256(content) != segment.sha256:
        raise Damaged(name, "it differs from its SHA-256 in the manifest: restore it from another copy of the export")
    return content


def records_in(content: bytes, name: str, partition: int, segment: Segment) -> Iterator[LogRecord]:
    """Yield the records in the content of a file. Raises `Damaged` if one isn't the expected record."""
    expected, record = segment.first, None
    for record in _decoded(content, name):
        if (record.partition, record.offset) != (partition, expected):
            found = f"{record.partition}:{record.offset}"
            raise Damaged(name, f"it has {found} where {partition}:{expected} should be")
        expected += 1
        yield record
    if expected != segment.end:
        raise Damaged(name, f"it has {expected - segment.first} records, but the manifest says {segment.records}")
    if record is not None and line_hash(record) != segment.last:
        raise Damaged(name, "its last record is not the one in the manifest")


def _decoded(content: bytes, name: str) -> Iterator[LogRecord]:
    try:
        with ZstdFile(BytesIO(content)) as lines:
            for line in lines:
                yield decode_line(line)
    except (ZstdError, EOFError) as error:
        raise Damaged(name, f"it can't be decompressed: {error}") from error
    except BadLine as error:
        raise Damaged(name, f"it has a line that is not a record: {error}") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
