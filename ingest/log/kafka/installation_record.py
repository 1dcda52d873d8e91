"""The installation record in Kafka, which says how `provision` made the log.

The record is the first message of a topic beside the log, and never changes. It is a message because topic settings
hold no free text. It has its own topic so that `ingest` needs no right to read the log.
"""

import time

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from ingest.log.broken import BrokenLog
from ingest.log.kafka.topic import BECOMES_KNOWN_S, KafkaTopic, check_topic, look_at, no_topic
from schemas.deadline import within
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
    """A `FindTopic`: the topic in the installation record, if this process's configuration agrees with it."""

    def __init__(self, own: OwnSecrets | None, *, warns: bool = True) -> None:
        """``own`` holds the secrets of this process; None if it has none.

        ``warns``: whether to log a warning if the log has one copy of each record.
        """
        self._own, self._warns = own, warns
        self._record: InstallationRecord | None = None

    async def __call__(self, configured: KafkaTopic) -> KafkaTopic:
        """Return the topic with its partition count.

        Raises the same as `check_topic`, and `BrokenLog` if nothing is recorded, or the configuration here differs.
        """
        record = self._record or await read_record(configured)
        if record is None:
            if await look_at(configured, patience_s=0) is None:  # reading the record has already waited
                raise no_topic(configured)
            raise BrokenLog(
                f"nothing is recorded about the topic {configured.name} at {configured.bootstrap}: run "
                f"`crewkit-sessions provision --partitions N`, which writes it into {record_topic(configured.name)}"
            )
        topic = agreed(configured, record, self._own)
        await check_topic(topic)
        if self._warns and self._record is None and topic.replication == 1:
            logger.warning(
                "log_has_one_copy", topic=topic.name, why="provisioned with --replication 1, for development"
            )
        self._record = record
        return topic

    @property
    def record(self) -> InstallationRecord:
        """The record that a successful call found."""
        if self._record is None:
            raise RuntimeError("the record is known only after the topic was found")
        return self._record


def agreed(configured: KafkaTopic, record: InstallationRecord, own: OwnSecrets | None) -> KafkaTopic:
    """Return the recorded topic. Raises `BrokenLog` if this process has other secrets or another partition count."""
    place = f"the topic {record_topic(configured.name)}"
    if configured.partitions not in (0, record.partitions):
        raise BrokenLog(other_partitions(configured.partitions, record.partitions, place))
    if own is not None and own.fingerprint != record.secrets:
        raise BrokenLog(other_secrets(own, place))
    return configured._replace(partitions=record.partitions, replication=record.replication)


def of_record(topic: KafkaTopic) -> KafkaTopic:
    """Return the topic that holds the record; it is as durable as the log's."""
    return topic._replace(name=record_topic(topic.name), partitions=1)


async def read_record(topic: KafkaTopic, patience_s: float = BECOMES_KNOWN_S) -> InstallationRecord | None:
    """Return the record beside ``topic``; None if nothing was recorded. Raises the same as `InstalledTopic`."""
    place = of_record(topic)
    if await look_at(place, patience_s) is None:
        return None
    try:
        raw = await within(_ANSWER_S, _first(place))
        return None if raw is None else decode_record(raw)
    except UnreadableRecord as error:
        raise BrokenLog(f"the topic {place.name} {error}") from error
    except TopicAuthorizationFailedError as error:
        raise BrokenLog(
            f"{place.bootstrap} does not let us read the topic {place.name}: grant the right Read"
        ) from error


async def write_record(topic: KafkaTopic, own: OwnSecrets) -> None:
    """Append the record of a new installation.

    If two runs append one at once, the first counts for both; so read it afterwards.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = InstallationRecord(
        partitions=topic.partitions, replication=topic.replication, secrets=own.fingerprint, made_at=now
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=topic.bootstrap, enable_idempotence=True, acks="all", **topic.security.client_options()
    )
    try:
        await producer.start()
        await producer.send_and_wait(record_topic(topic.name), encode_record(record))
    finally:
        await producer.stop()


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
