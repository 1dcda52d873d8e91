"""Making the log's topic, or finding it: explicit partitions, nothing ever deleted or compacted."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    TopicAlreadyExistsError,
    for_code,
)

from ingest.errors import BrokenLog
from ingest.kafka_log.acls import CLUSTER_REFUSED, READS, TOPIC_REFUSED, Right, lacking
from ingest.kafka_log.connection import AWAY
from ingest.kafka_log.credentials import check_credentials
from ingest.kafka_log.rights import check_group
from ingest.kafka_log.token_command import TokenFailed
from ingest.kafka_log.topic import KafkaTopic, check_topic
from schemas.log import LogUnavailable

MESSAGE_BYTES_MAX = 8 << 20
_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(MESSAGE_BYTES_MAX),
}
COORDINATOR_S, RETRY_S = 20.0, 0.1


async def ensure_topic(topic: KafkaTopic) -> bool:
    """Make the topic if it is not there; whether it was made. Three replicas where there are as many brokers.

    Raises:
        BrokenLog: where one is there that is not as it has to be, or the broker refuses us.
        LogUnavailable: where the broker is away.
    """
    try:
        return await _ensure(topic)
    except AWAY as error:
        raise _away(topic, error) from error


async def find_topic(topic: KafkaTopic) -> None:
    """Make sure that it is there, without making it.

    Raises:
        BrokenLog: where it is missing, or not as it has to be, or the broker refuses us.
        LogUnavailable: where the broker is away.
    """
    try:
        await check_credentials(topic, READS)
        await check_topic(topic)
    except AWAY as error:
        raise _away(topic, error) from error


async def find_group(topic: KafkaTopic, group: str) -> None:
    """Make sure that we may join a consumer group.

    Raises:
        BrokenLog: we may not.
        LogUnavailable: where the broker is away.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=topic.bootstrap, request_timeout_ms=10_000, **topic.security.client_options()
    )
    try:
        await admin.start()
        await _await_coordinator(admin, group)
        await check_group(admin, topic, group)
    except AWAY as error:
        raise _away(topic, error) from error
    finally:
        await admin.close()


def _away(topic: KafkaTopic, error: Exception) -> Exception:
    if isinstance(error, TokenFailed):
        return BrokenLog(str(error))  # at the start a mistake is more likely than an outage
    return LogUnavailable(f"{topic.bootstrap} does not answer: {error}")


async def _ensure(topic: KafkaTopic) -> bool:
    await check_credentials(topic)
    admin = AIOKafkaAdminClient(
        bootstrap_servers=topic.bootstrap, request_timeout_ms=10_000, **topic.security.client_options()
    )
    try:
        await admin.start()
        made = await _create(admin, topic)
        await _await_coordinator(admin, topic.name)
    finally:
        await admin.close()
    await check_topic(topic)
    return made


async def _await_coordinator(admin: AIOKafkaAdminClient, group: str) -> None:
    """A new cluster makes its topic of committed offsets when it is first asked for a group.

    Asked here, so that the first projectors join at once: those that are refused come back seconds later, and the
    rebalance that this costs falls into the first traffic.
    """
    async with asyncio.timeout(COORDINATOR_S):
        while True:
            try:
                await admin.find_coordinator(group)
            except GroupCoordinatorNotAvailableError:
                await asyncio.sleep(RETRY_S)
            except GroupAuthorizationFailedError:
                return  # no reason to wait; who provisions needs no right on groups
            else:
                return


async def _create(admin: AIOKafkaAdminClient, topic: KafkaTopic) -> bool:
    brokers = len((await admin.describe_cluster())["brokers"])
    config = {**_CONFIG, "min.insync.replicas": "2" if brokers >= 3 else "1"}
    wanted = NewTopic(topic.name, topic.partitions, min(3, brokers), topic_configs=config)
    try:
        reply = await admin.create_topics([wanted])
    except TopicAlreadyExistsError:
        return False
    code = reply.topic_errors[0][1]
    if code in (0, TopicAlreadyExistsError.errno):
        return bool(code == 0)
    if code in (TOPIC_REFUSED, CLUSTER_REFUSED):
        raise lacking(topic.security, [Right.Create], topic.name)
    raise for_code(code)(reply.topic_errors[0][2])
