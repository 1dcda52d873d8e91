"""Finds all records of one key. A file can look them up; Kafka has no index of keys, so their partition is read."""

from collections.abc import AsyncIterator

from ingest.log.archive.meter import Meter
from ingest.log.archive.read_all import READ_BYTES, read_all
from ingest.log.sqlite.sqlite_log import SqliteLogReader
from schemas.log.position import LogReader, LogRecord
from schemas.log.topics import partition_of


async def records_of_key(log: LogReader, partitions: int, key: bytes, meter: Meter) -> AsyncIterator[LogRecord]:
    """Yield the records in log order, as of now. Raises as `LogReader` and `read_all` do."""
    if isinstance(log, SqliteLogReader):
        start = 0
        while records := await log.of_key(key, start, READ_BYTES):
            for record in records:
                yield record
            start = records[-1].offset + 1
        return
    partition = partition_of(key, partitions)
    end = (await log.ends())[partition]
    meter.begin("read", end)
    async for record in read_all(log, partition, 0, end):
        meter.add(1, len(record.value or b""))
        if record.key == key:
            yield record
