"""The installation record in Kafka: the first message of a topic beside the log, which counts for ever.

It is a topic and no setting of one, since those hold no free text; and a topic apart, so that `ingest` needs no right
to read the log.
"""

import asyncio
import time

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from ingest.errors import BrokenLog
from ingest.log.kafka.topic import BECOMES_KNOWN_S, KafkaTopic, check_topic, look_at, no_topic
from schemas.installation import (
    InstallationRecord,
    OwnSecrets,
    UnreadableRecord,
    decode_record,
    encode_record,
    other_partitions,
    other_secrets,
    record_topic,
)

logger = structlog.get_logger()
_ANSWER_S = 5.0


class InstalledTopic:
    """A `FindTopic`: the topic as the installation record says, if that agrees with what this process was told."""

    def __init__(self, own: OwnSecrets | None) -> None:
        """``own`` are the secrets of this process; None where it has none."""
        self._own = own
        self._record: InstallationRecord | None = None

    async def __call__(self, told: KafkaTopic) -> KafkaTopic:
        """The topic, with its partition count.

        Raises:
            BrokenLog: where nothing is recorded, or something else than what this process has; and as `check_topic`.
            KafkaError, OSError, TimeoutError: where the broker is away.
        """
        record = self._record or await read_record(told)
        if record is None:
            raise await _missing(told)
        topic = agreed(told, record, self._own)
        await check_topic(topic)
        if self._record is None and topic.replication == 1:
            logger.warning(
                "log_has_one_copy", topic=topic.name, why="provisioned with --replication 1, for development"
            )
        self._record = record
        return topic

    @property
    def record(self) -> InstallationRecord:
        """What was found; only after a call that succeeded."""
        if self._record is None:
            raise RuntimeError("the record is known when the topic was found")
        return self._record


def agreed(told: KafkaTopic, record: InstallationRecord, own: OwnSecrets | None) -> KafkaTopic:
    """The recorded topic; raises `BrokenLog` where this process has other secrets, or was told another count."""
    place = f"the topic {record_topic(told.name)}"
    if told.partitions not in (0, record.partitions):
        raise BrokenLog(other_partitions(told.partitions, record.partitions, place))
    if own is not None and own.fingerprint != record.secrets:
        raise BrokenLog(other_secrets(own, place))
    return told._replace(partitions=record.partitions, replication=record.replication)


def of_record(topic: KafkaTopic) -> KafkaTopic:
    """The topic that holds the record; as durable as the log's."""
    return topic._replace(name=record_topic(topic.name), partitions=1)


async def read_record(topic: KafkaTopic, patience_s: float = BECOMES_KNOWN_S) -> InstallationRecord | None:
    """The record beside ``topic``, None where nothing was recorded; raises as `InstalledTopic` does."""
    place = of_record(topic)
    if await look_at(place, patience_s) is None:
        return None
    try:
        raw = await asyncio.wait_for(_first(place), _ANSWER_S)
        return None if raw is None else decode_record(raw)
    except UnreadableRecord as error:
        raise BrokenLog(f"the topic {place.name} {error}") from error
    except TopicAuthorizationFailedError as error:
        raise BrokenLog(
            f"{place.bootstrap} does not let us read the topic {place.name}: give the right Read"
        ) from error


async def write_record(topic: KafkaTopic, record: InstallationRecord) -> None:
    """Append a record; of two that do so at once the first counts for both, so read it afterwards."""
    producer = AIOKafkaProducer(
        bootstrap_servers=topic.bootstrap, enable_idempotence=True, acks="all", **topic.security.client_options()
    )
    try:
        await producer.start()
        await producer.send_and_wait(record_topic(topic.name), encode_record(record))
    finally:
        await producer.stop()


def new_record(topic: KafkaTopic, own: OwnSecrets) -> InstallationRecord:
    """What is recorded of an installation that is made now."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return InstallationRecord(
        partitions=topic.partitions, replication=topic.replication, secrets=own.fingerprint, made_at=now
    )


async def _first(place: KafkaTopic) -> bytes | None:
    partition = TopicPartition(place.name, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=4_000,
        retry_backoff_ms=100,
        **place.security.client_options(),
    )
    try:
        await consumer.start()
        if not (await consumer.end_offsets([partition]))[partition]:
            return None
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return (await consumer.getone(partition)).value or b""
    finally:
        await consumer.stop()


async def _missing(told: KafkaTopic) -> BrokenLog:
    """Nothing is recorded, perhaps because there is no topic either."""
    if await look_at(told, patience_s=0) is None:  # what is new had its time when the record was looked for
        return no_topic(told)
    return BrokenLog(
        f"nothing is recorded of the topic {told.name} at {told.bootstrap}: run `crewkit-sessions provision "
        f"--partitions N`, which writes it into {record_topic(told.name)}"
    )
