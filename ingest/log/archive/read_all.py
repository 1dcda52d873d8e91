"""Reads a log without gaps."""

from collections.abc import AsyncIterator

from ingest.log.archive.refusals import Refused
from schemas.log.position import LogReader, LogRecord, Position

READ_BYTES = 4 << 20  # at a time: a slow broker must answer within the reader's limit


async def read_all(log: LogReader, partition: int, start: int, stop: int) -> AsyncIterator[LogRecord]:
    """Yield every record of ``[start, stop)``. Raises `Refused` if one is missing."""
    while start < stop:
        records = await log.read(partition, start, stop, READ_BYTES)
        if not records:
            raise _lost(partition, start)
        for record in records:
            if record.offset != start:
                raise _lost(partition, start)
            yield record
            start += 1


def _lost(partition: int, offset: int) -> Refused:
    return Refused(
        f"the log has no record at {Position(partition, offset)}, although its offsets are dense: it has lost records. "
        "Find out what removed them before anything else writes to it"
    )
