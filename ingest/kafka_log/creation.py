"""Making the log's topic: explicit partitions, nothing ever deleted or compacted."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from ingest.kafka_log.connection import AWAY
from ingest.kafka_log.topic import KafkaTopic, check_topic
from schemas.log import LogUnavailable

MESSAGE_BYTES_MAX = 8 << 20
_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(MESSAGE_BYTES_MAX),
}


async def ensure_topic(topic: KafkaTopic) -> bool:
    """Make the topic if it is not there; whether it was made. Three replicas where there are as many brokers.

    Raises:
        BrokenLog: where one is there that is not as it has to be.
        LogUnavailable: where the broker is away.
    """
    try:
        return await _ensure(topic)
    except AWAY as error:
        raise LogUnavailable(f"no broker answers at {topic.bootstrap}: {error}") from error


async def _ensure(topic: KafkaTopic) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        made = await _create(admin, topic)
    finally:
        await admin.close()
    await check_topic(topic)
    return made


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
    raise for_code(code)(reply.topic_errors[0][2])
