"""Which topic is meant, and whether the broker's topic is really that one."""

import asyncio
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ingest.errors import BrokenLog
from ingest.kafka_log.acls import TOPIC_REFUSED, Right, lacking
from schemas.kafka_security import KafkaSecurity

# A record is split above 1 MiB, but a lone event of 1 MiB brings its envelope along, and may be in base64.
MESSAGE_BYTES_MIN = 1_048_576 * 3 // 2
_UNKNOWN_TOPIC = 3
_BECOMES_KNOWN_S = 3.0  # a topic that was just created is not known at once
_MESSAGE_BYTES = "max.message.bytes"


class KafkaTopic(NamedTuple):
    """The log's topic. Its partition count is frozen: it decides where a session's records are."""

    bootstrap: str  # host:port[,host:port…]
    name: str
    partitions: int
    security: KafkaSecurity = KafkaSecurity()


async def check_topic(topic: KafkaTopic) -> None:
    """Ask the broker whether the topic is as it has to be.

    Raises:
        BrokenLog: where it is missing, has another number of partitions, takes too small messages, or we may not look.
        KafkaError, OSError: where the broker is away.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=topic.bootstrap, request_timeout_ms=5_000, **topic.security.client_options()
    )
    try:
        await admin.start()
        _check_partitions(topic, await _partitions(admin, topic))
        _check_message_bytes(topic, await _message_bytes(admin, topic))
    finally:
        await admin.close()


async def _partitions(admin: Any, topic: KafkaTopic) -> int:
    waited_s = 0.0
    while True:
        (description,) = await admin.describe_topics([topic.name])
        if description["error_code"] == TOPIC_REFUSED:
            raise lacking(topic.security, [Right.Describe], topic.name)
        if description["error_code"] != _UNKNOWN_TOPIC or waited_s >= _BECOMES_KNOWN_S:
            return len(description["partitions"])
        waited_s += 0.25
        await asyncio.sleep(0.25)


async def _message_bytes(admin: Any, topic: KafkaTopic) -> int:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    error, *_, entries = response.resources[0]
    if error == TOPIC_REFUSED:
        raise lacking(topic.security, [Right.DescribeConfigs], topic.name)
    return next((int(entry[1]) for entry in entries if entry[0] == _MESSAGE_BYTES), MESSAGE_BYTES_MIN)


def _check_partitions(topic: KafkaTopic, found: int) -> None:
    if found == 0:
        raise BrokenLog(f"the topic {topic.name} does not exist at {topic.bootstrap}; `provision` makes it")
    if found != topic.partitions:
        raise BrokenLog(
            f"the topic {topic.name} has {found} partitions, but this installation was made with {topic.partitions}; "
            "a session's records would be in two of them. Set the number back, or begin a new version of the topic"
        )


def _check_message_bytes(topic: KafkaTopic, found: int) -> None:
    if found < MESSAGE_BYTES_MIN:
        raise BrokenLog(
            f"the topic {topic.name} takes messages up to {found} bytes, and must take {MESSAGE_BYTES_MIN}; "
            f"raise its {_MESSAGE_BYTES}"
        )
