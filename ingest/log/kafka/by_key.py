"""Finds all records of one key in a topic: Kafka has no index of keys, so their partition is read by offset."""

import time
from collections.abc import AsyncIterator

import structlog
from aiokafka.errors import TopicAuthorizationFailedError

from ingest.log.broken import BrokenLog
from ingest.log.kafka.reader import KafkaLogReader
from ingest.log.kafka.topic import KafkaTopic
from schemas.log.position import LogRecord, LogUnavailable
from schemas.log.topics import partition_of

logger = structlog.get_logger()
_READ_BYTES = 16 << 20
_SAY_EVERY_S = 10.0


async def records_of_key(topic: KafkaTopic, key: bytes) -> list[LogRecord]:
    """Return the records in log order, as of now.

    Raises:
        LogUnavailable: no broker answers.
        BrokenLog: it does not let this client read the topic.
    """
    reader = KafkaLogReader(topic)
    try:
        return [record async for record in _scan(reader, partition_of(key, topic.partitions)) if record.key == key]
    except TopicAuthorizationFailedError as error:
        raise BrokenLog(
            f"{topic.bootstrap} does not let us read the topic {topic.name}: grant the right Read"
        ) from error
    finally:
        await reader.stop()


async def _scan(reader: KafkaLogReader, partition: int) -> AsyncIterator[LogRecord]:
    """Yield every record of a partition, and log the progress when that takes long."""
    at, end, said = 0, (await reader.ends())[partition], time.monotonic()
    while at < end:
        records = await reader.read(partition, at, end, _READ_BYTES)
        if not records or records[0].offset != at:
            raise LogUnavailable(f"offset {at} of partition {partition} can't be read")
        for record in records:
            yield record
        at = records[-1].offset + 1
        if time.monotonic() - said > _SAY_EVERY_S:
            said = time.monotonic()
            logger.info("searching_prices", partition=partition, offset=at, end=end)
