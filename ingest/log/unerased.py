"""Finds records that are erased but are no stubs yet, in any copy of the log."""

from collections.abc import AsyncIterator, Callable, Sequence

from ingest.log.archive.read_all import read_all
from ingest.log.broken import Trimmed
from ingest.log.kept import Cuts, kept
from ingest.log.tiered import Copy
from schemas.log.position import LogReader, LogRecord

REPORT_EVERY = 10_000  # records
OnProgress = Callable[[float, str], None]  # the share that is done, and the current step


async def unerased(
    copy: Copy, ranges: Sequence[tuple[int, int]], cuts: Sequence[Cuts], report: OnProgress
) -> AsyncIterator[LogRecord]:
    """Yield the stub of each record that is to be one. ``ranges`` and ``cuts`` are by partition.

    Raises `LogUnavailable`, and `BrokenLog` or `Refused` if the copy can't be read.
    """
    read, whole = 0, max(1, sum(end - start for start, end in ranges))
    for partition, (start, end) in enumerate(ranges):
        async for record in _still_there(copy.log, partition, start, end):
            read += 1
            if read % REPORT_EVERY == 0:
                report(read / whole, f"reads the {copy.name}, {read:,} of {whole:,} records")
            if cuts[partition] and (stub := kept(record, cuts[partition], len(ranges))) is not record:
                yield stub


async def _still_there(log: LogReader, partition: int, start: int, end: int) -> AsyncIterator[LogRecord]:
    """Yield the records of ``[start, end)``, except those that a keeper trims meanwhile."""
    while start < end:
        try:
            async for record in read_all(log, partition, start, end):
                yield record
                start = record.offset + 1
        except Trimmed as trimmed:
            start = trimmed.begins
