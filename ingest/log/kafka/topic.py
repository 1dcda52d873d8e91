"""The log's topic, and the check that the broker's topic is that one and never loses records."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from ingest.log.broken import BrokenLog
from ingest.log.kafka.rights import TOPIC_REFUSED, Right, lacking
from schemas.installation import COPIES_MIN
from schemas.log.kafka_security import KafkaSecurity

# A record is split above 1 MiB, but a single event of 1 MiB has an envelope, and may be in base64.
MESSAGE_BYTES_MIN = 1_048_576 * 3 // 2
_OK, _UNKNOWN_TOPIC = 0, 3
BECOMES_KNOWN_S = 3.0  # brokers learn of a new topic with a delay, not all at once
LOOK_AGAIN_S = 0.25
_MESSAGE_BYTES, _INSYNC = "max.message.bytes", "min.insync.replicas"
# Settings without which records are lost. An unclean election discards acknowledged records.
_FOR_EVER = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
}


class KafkaTopic(NamedTuple):
    """The log's topic. Its partition count is frozen: it decides where a session's records are.

    ``replication`` is the number of copies of each record at creation; with 1 copies are not checked.
    """

    bootstrap: str  # host:port[,host:port…]
    name: str
    partitions: int  # 0: not configured, the installation record has it
    security: KafkaSecurity = KafkaSecurity()
    replication: int = 1

    @property
    def copies_min(self) -> int:
        """The minimum number of copies of each record."""
        return 1 if self.replication == 1 else COPIES_MIN


class FoundTopic(NamedTuple):
    """A topic at the broker: its partitions, the fewest copies of one of them, its effective settings."""

    partitions: int
    copies: int
    settings: Mapping[str, str]


# From the configured topic to the checked one. Raises the same as `check_topic`.
FindTopic = Callable[[KafkaTopic], Awaitable[KafkaTopic]]


async def check_topic(topic: KafkaTopic) -> KafkaTopic:
    """Check at the broker that the topic is as it must be; return it.

    Raises `BrokenLog` if it is missing, has another number of partitions, accepts only small messages, may lose
    records, or can't be described; one of `AWAY` (`ingest.log.kafka.connection`) if the broker is unreachable.
    """
    found = await look_at(topic)
    if found is None:
        raise no_topic(topic)
    check_found(topic, found)
    return topic


def no_topic(topic: KafkaTopic) -> BrokenLog:
    return BrokenLog(f"the topic {topic.name} does not exist at {topic.bootstrap}; `provision` creates it")


async def look_at(topic: KafkaTopic, patience_s: float = BECOMES_KNOWN_S) -> FoundTopic | None:
    """Return the broker's topic; None if it is missing for ``patience_s``. Raises the same as `check_topic`."""
    async with admin_of(topic) as admin:
        waited_s = 0.0
        while (found := await _find(admin, topic)) is None and waited_s < patience_s:
            waited_s += LOOK_AGAIN_S
            await asyncio.sleep(LOOK_AGAIN_S)
        return found


async def _find(admin: Any, topic: KafkaTopic) -> FoundTopic | None:
    """Return the topic; None also if the broker that is asked for settings does not know it yet."""
    (description,) = await admin.describe_topics([topic.name])
    if description["error_code"] == TOPIC_REFUSED:
        raise lacking(topic.security, [Right.Describe], topic.name)
    partitions = description["partitions"]
    if not partitions:
        return None
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    code, message, *_, entries = response.resources[0]
    if code == TOPIC_REFUSED:
        raise lacking(topic.security, [Right.DescribeConfigs], topic.name)
    if code == _UNKNOWN_TOPIC:
        return None
    if code != _OK:
        raise for_code(code)(message)
    settings = {entry[0]: entry[1] for entry in entries}
    return FoundTopic(len(partitions), min(len(partition["replicas"]) for partition in partitions), settings)


@contextlib.asynccontextmanager
async def admin_of(topic: KafkaTopic, timeout_ms: int = 5_000) -> AsyncIterator[AIOKafkaAdminClient]:
    """Start an admin client at the topic's brokers; stop it at the end."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=topic.bootstrap, request_timeout_ms=timeout_ms, **topic.security.client_options()
    )
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def check_found(topic: KafkaTopic, found: FoundTopic) -> None:
    """Compare. Raises `BrokenLog` with the first difference and its remedy."""
    if found.partitions != topic.partitions:
        raise BrokenLog(
            f"the topic {topic.name} has {found.partitions} partitions, but this installation was made with "
            f"{topic.partitions}; a session's records would be in two of them. Kafka can't remove partitions: import "
            "a backup of the log into a topic with another name"
        )
    if found.copies < topic.copies_min:
        raise BrokenLog(
            f"the topic {topic.name} keeps {found.copies} of the {topic.copies_min} copies of each record that it must "
            "keep: add copies with kafka-reassign-partitions.sh, or, for development, start again with "
            "`provision --replication 1`"
        )
    for name, wanted in _FOR_EVER.items():
        if found.settings.get(name) != wanted:
            raise BrokenLog(_other_setting(topic, found, name, wanted))
    for name, least in ((_MESSAGE_BYTES, MESSAGE_BYTES_MIN), (_INSYNC, min(2, topic.copies_min))):
        if int(found.settings.get(name, "0")) < least:
            raise BrokenLog(_other_setting(topic, found, name, str(least), " or more"))


def _other_setting(topic: KafkaTopic, found: FoundTopic, name: str, wanted: str, more: str = "") -> str:
    return (
        f"the topic {topic.name} has {name}={found.settings.get(name)} and must have {wanted}{more}, or records are "
        f"lost: run `kafka-configs.sh --bootstrap-server {topic.bootstrap} --alter --entity-type topics "
        f"--entity-name {topic.name} --add-config {name}={wanted}`"
    )
