"""Deletes the beginning of the topic, once it is in an archive. Offsets stay as they are."""

from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import TopicAuthorizationFailedError

from ingest.log.kafka.creation import outages_explained
from ingest.log.kafka.rights import Right, lacking
from ingest.log.kafka.topic import KafkaTopic, admin_of


async def trim(topic: KafkaTopic, below: Mapping[int, int]) -> None:
    """Delete the records of some partitions below an offset.

    Readers get `Trimmed` for them afterwards. The broker removes their bytes within minutes, with the files that hold
    nothing else; the file that it still writes stays until the next one begins (`segment.ms`). Raises `LogUnavailable`,
    and `BrokenLog` if this client lacks the right.
    """
    wanted = {TopicPartition(topic.name, partition): RecordsToDelete(offset) for partition, offset in below.items()}
    with outages_explained(topic):
        async with admin_of(topic, timeout_ms=10_000) as admin:
            try:
                await admin.delete_records(wanted)
            except TopicAuthorizationFailedError as error:
                raise lacking(topic.security, [Right.Delete], topic.name) from error
