"""Creates the log's topic, or finds it: explicit partitions, no retention limit, no compaction."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ingest.log.broken import BrokenLog
from ingest.log.kafka.connection import AWAY
from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.rights import CLUSTER_REFUSED, READS, TOPIC_REFUSED, Right, check_group, lacking
from ingest.log.kafka.token_command import TokenFailed
from ingest.log.kafka.topic import FindTopic, KafkaTopic, admin_of, check_topic
from schemas.log.position import LogUnavailable

logger = structlog.get_logger()
MESSAGE_BYTES_MAX = 8 << 20
COORDINATOR_S, RETRY_S = 20.0, 0.1
_REFUSED_SETTING = (errors.InvalidConfigurationError, errors.PolicyViolationError)


async def ensure_topic(topic: KafkaTopic) -> bool:
    """Create the topic if it is missing, with its ``replication``; return whether it was created.

    Raises `LogUnavailable`, or `BrokenLog` if an existing topic is not as it must be, there are too few brokers for the
    copies, or the broker refuses this client.
    """
    with outages_explained(topic):
        await check_credentials(topic)
        async with admin_of(topic, timeout_ms=10_000) as admin:
            made = await _create_with_accepted_settings(admin, topic)
            await _await_coordinator(admin, topic.name)
        await check_topic(topic)
        return made


async def find_topic(topic: KafkaTopic, find: FindTopic = check_topic, needed: Sequence[Right] = READS) -> KafkaTopic:
    """Return the topic as it is; never create it. Raises as `ensure_topic`, also if it is missing."""
    with outages_explained(topic):
        await check_credentials(topic, needed)
        return await find(topic)


async def find_group(topic: KafkaTopic, group: str) -> None:
    """Check that this client may join a consumer group. Raises `BrokenLog` if not, and `LogUnavailable`."""
    with outages_explained(topic):
        async with admin_of(topic, timeout_ms=10_000) as admin:
            await _await_coordinator(admin, group)
            await check_group(admin, topic.security, group)


@contextmanager
def outages_explained(topic: KafkaTopic) -> Iterator[None]:
    """Raise `LogUnavailable` if no broker answers inside the context, and `BrokenLog` if there is no token."""
    try:
        yield
    except TokenFailed as error:
        raise BrokenLog(str(error)) from error  # at the start a mistake is more likely than an outage
    except AWAY as error:
        raise LogUnavailable(f"{topic.bootstrap} does not answer: {error}") from error


def settings_of(topic: KafkaTopic) -> dict[str, str]:
    """Return the settings of a new topic. Those that a managed service may refuse come first."""
    return {
        # Kafka 4 refuses records stamped an hour ahead: every append of an `ingest` with a fast clock.
        "message.timestamp.after.max.ms": str(2**63 - 1),
        "min.insync.replicas": str(min(2, topic.replication)),
        # A broker removes whole files, and never the one that it writes to: what is trimmed is gone a day later.
        "segment.ms": "86400000",
        "max.message.bytes": str(MESSAGE_BYTES_MAX),
        "retention.bytes": "-1",
        "retention.ms": "-1",
        "cleanup.policy": "delete",
    }


async def _await_coordinator(admin: AIOKafkaAdminClient, group: str) -> None:
    """Wait until a new cluster has its topic of committed offsets; it creates that topic at the first request.

    The first projectors then join at once. Otherwise they are refused and return seconds later, and the rebalance
    disturbs the first traffic.
    """
    async with asyncio.timeout(COORDINATOR_S):
        while True:
            try:
                await admin.find_coordinator(group)
            except errors.GroupCoordinatorNotAvailableError:
                await asyncio.sleep(RETRY_S)
            except errors.GroupAuthorizationFailedError:
                return  # no reason to wait: `provision` needs no right on groups
            else:
                return


async def _create_with_accepted_settings(admin: AIOKafkaAdminClient, topic: KafkaTopic) -> bool:
    """Create the topic without the settings that a managed service refuses because it fixes them itself.

    `check_topic` checks the values of the service afterwards.
    """
    settings = settings_of(topic)
    while True:
        try:
            return await _create(admin, topic, settings)
        except _REFUSED_SETTING as error:
            if not settings:
                raise BrokenLog(f"{topic.bootstrap} refuses to create the topic {topic.name}: {error}") from error
            named = [name for name in settings if name in str(error)]
            refused = named or await _refused_alone(admin, topic, settings) or [next(iter(settings))]
            logger.warning("topic_setting_refused", topic=topic.name, settings=refused, error=str(error))
            settings = {name: value for name, value in settings.items() if name not in refused}


async def _refused_alone(admin: AIOKafkaAdminClient, topic: KafkaTopic, settings: Mapping[str, str]) -> list[str]:
    """Return the settings that the broker refuses regardless of the others: not every error names its setting."""
    refused = []
    for name, value in settings.items():
        try:
            await _create(admin, topic, {name: value}, validate_only=True)
        except _REFUSED_SETTING:
            refused.append(name)
    return refused


async def _create(
    admin: AIOKafkaAdminClient, topic: KafkaTopic, settings: Mapping[str, str], *, validate_only: bool = False
) -> bool:
    """Return whether the topic was created, or would be. Raise the broker's error unless it already exists."""
    wanted = NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=dict(settings))
    try:
        reply = await admin.create_topics([wanted], validate_only=validate_only)
    except errors.TopicAlreadyExistsError:
        return False
    _, code, message = reply.topic_errors[0][:3]
    if code in (0, errors.TopicAlreadyExistsError.errno):
        return bool(code == 0)
    if code in (TOPIC_REFUSED, CLUSTER_REFUSED):
        raise lacking(topic.security, [Right.Create], topic.name)
    error = errors.for_code(code)(message)
    if isinstance(error, errors.InvalidReplicationFactorError):
        raise BrokenLog(
            f"{topic.bootstrap} can't keep {topic.replication} copies of each record of {topic.name} ({error}): start "
            "the missing brokers, or, for development, use --replication 1; nothing was created"
        )
    raise error
