"""`erasures.jsonl`: every erasure of the exported log, one record a line.

The manifest names the beginning of the file. An interrupted export may leave more lines; the next one finds them again.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from msgspec import UNSET

from ingest.log.archive.manifest import Manifest, listed
from ingest.log.archive.meter import Meter
from ingest.log.archive.place import Place
from ingest.log.archive.read_all import read_all
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import checked_records
from ingest.log.kept import Cuts, cuts_in
from schemas.log.codec import Undecodable, decode_value, encode, erasure_in
from schemas.log.position import LogReader, LogRecord
from schemas.log.records import AnyErasure, PositionsErased
from schemas.log.topics import partition_of, record_key

ERASURES = "erasures.jsonl"
_AGAIN = "restore it from another copy of the export"


def erasure_line(log_record: LogRecord, partitions: int) -> bytes | None:
    """Return the line of a record, with its end, if the record is an erasure of its partition."""
    record = erasure_in(log_record, partitions)
    return None if record is None else encode(record) + b"\n"


def listed_lines(place: Place, manifest: Manifest) -> list[bytes]:
    """Return the lines that the manifest names. Raises `Damaged`."""
    if manifest.erasures is UNSET:
        return []
    try:
        content = place.read(ERASURES).content
        _decoded(content)
    except FileNotFoundError:
        raise Damaged(ERASURES, f"it is missing: {_AGAIN}") from None
    except Undecodable as error:
        raise Damaged(ERASURES, f"it is not a list of erasures ({error}): {_AGAIN}") from error
    named = content[: manifest.erasures.bytes]
    if listed(named) != manifest.erasures:
        raise Damaged(ERASURES, f"it differs from its SHA-256 in the manifest: {_AGAIN}")
    return named.splitlines(keepends=True)


def cuts_of(lines: Iterable[bytes], partitions: int) -> Cuts:
    """Return what the lines of a log with so many partitions erase."""
    return cuts_in((_as_record(line, partitions) for line in lines), partitions)


def read_erasures(file: Path) -> list[AnyErasure]:
    """Return the erasures of such a file, of a log with any number of partitions. Raises `Refused`."""
    try:
        return _decoded(file.read_bytes())
    except OSError as error:
        raise Refused(f"{file} can't be read: {error.strerror}") from error
    except Undecodable as error:
        raise Refused(f"{file} is not a list of erasures: {error}. Name a copy of an export's {ERASURES}") from error


async def new_lines(log: LogReader, place: Place, manifest: Manifest, ends: Sequence[int], meter: Meter) -> list[bytes]:
    """Return the erasures among the records that the place lacks, before any of them is exported.

    If its segments have not been searched yet, those in them come first.
    """
    partitions = manifest.partitions
    lines = [line for record in _unsearched(place, manifest, meter) if (line := erasure_line(record, partitions))]
    meter.begin("search", sum(ends) - manifest.records)
    async for record in _lacking(log, manifest, ends):
        if line := erasure_line(record, partitions):
            lines.append(line)
        meter.add(1, len(record.value or b""))
    return lines


def _unsearched(place: Place, manifest: Manifest, meter: Meter) -> Iterable[LogRecord]:
    if manifest.erasures is not UNSET:
        return
    meter.begin("search", manifest.records)
    for _, partition, segment in manifest.files():
        for record in checked_records(place, partition, segment):
            yield record
            meter.add(1, len(record.value or b""))


async def _lacking(log: LogReader, manifest: Manifest, ends: Sequence[int]) -> AsyncIterator[LogRecord]:
    for partition, (start, end) in enumerate(zip(manifest.ends, ends, strict=True)):
        async for record in read_all(log, partition, start, end):
            yield record


def _as_record(line: bytes, partitions: int) -> LogRecord:
    record = decode_value(line)
    key = record_key(record.session_id)
    # A line does not say where its record was: after all that it erases.
    after = record.offsets[-1] + 1 if isinstance(record, PositionsErased) else 0
    return LogRecord(partition_of(key, partitions), after, key, line, 0)


def _decoded(content: bytes) -> list[AnyErasure]:
    """Return the erasure of each line. Raises `Undecodable` for a line that is something else."""
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            record = decode_value(line)
        except Undecodable as error:
            raise Undecodable(error.kind, f"line {number}: {error}") from error
        if not isinstance(record, AnyErasure):
            raise Undecodable("unreadable", f"line {number}: it is another record")
        found.append(record)
    return found
