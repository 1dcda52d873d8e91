"""The installation in Kafka: what `provision` does at the broker, and the record of how it was made.

The record is the first message of a topic beside the log, and never changes. It is a message because topic settings
hold no free text. It has its own topic so that `ingest` needs no right to read the log.

Every step of `install` checks first, so it can be repeated. Two runs at once are safe: the first record counts for
both.
"""

import asyncio
import time
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError
from msgspec import Struct

from ingest.log.errors import BrokenLog
from ingest.log.kafka.creation import ensure_topic, outages_explained, settings_of
from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.topic import BECOMES_KNOWN_S, KafkaTopic, check_topic, look_at, no_topic
from schemas.installation import (
    COPIES_MIN,
    PARTITIONS_ADVISED,
    PARTITIONS_MAX,
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


class Wish(Struct, frozen=True):
    """Options of `provision`: copies of each record (0: as recorded, else 3), and whether it creates topics."""

    replication: int = 0
    makes_topics: bool = True


class Installed(NamedTuple):
    """The topic as it is now, its record, and whether this run created it."""

    topic: KafkaTopic
    record: InstallationRecord
    made: bool


async def install(configured: KafkaTopic, own: OwnSecrets, wish: Wish) -> Installed:
    """Create the missing topics, and record how they were made unless a record exists.

    Raises:
        BrokenLog: the options are not enough, or differ from what exists; the message says what to do.
        LogUnavailable: the broker is unreachable.
    """
    with outages_explained(configured):
        await check_credentials(configured)
        record = await read_record(configured, patience_s=0)
        topic = _begun(configured, wish) if record is None else _recorded(configured, record, own, wish)
        if wish.makes_topics:
            made = await ensure_topic(topic)
            await ensure_topic(of_record(topic))
        else:
            made = False
            await _need(topic)
        if record is None:
            await write_installation(topic, own)
        counts = await read_record(topic)
        if counts is None:
            raise BrokenLog(f"the topic {of_record(topic).name} has lost the record that was just written")
        return Installed(_recorded(topic, counts, own, wish), counts, made)


def _begun(configured: KafkaTopic, wish: Wish) -> KafkaTopic:
    """Return the topic of a new installation."""
    if not configured.partitions:
        raise BrokenLog(
            f"nothing is recorded yet about the topic {configured.name} at {configured.bootstrap}: "
            "choose --partitions N; the number can never change and limits how many projectors can share the work; "
            f"{PARTITIONS_ADVISED} is a good one"
        )
    if not 0 < configured.partitions <= PARTITIONS_MAX:
        raise BrokenLog(f"partitions: a topic has 1 to {PARTITIONS_MAX}, not {configured.partitions}")
    replication = wish.replication or COPIES_MIN
    if replication != 1 and replication < COPIES_MIN:
        raise BrokenLog(f"--replication must be {COPIES_MIN} or more, or 1 for development, not {replication}")
    return configured._replace(replication=replication)


def _recorded(configured: KafkaTopic, record: InstallationRecord, own: OwnSecrets, wish: Wish) -> KafkaTopic:
    if wish.replication not in (0, record.replication):
        raise BrokenLog(
            f"this installation was made with --replication {record.replication}, not {wish.replication}: leave the "
            "option out; kafka-reassign-partitions.sh changes the copies of an existing topic"
        )
    return agreed(configured, record, own)


async def _need(topic: KafkaTopic) -> None:
    """Check that both topics exist. Raises `BrokenLog` with the commands that create the missing ones."""
    missing = [wanted for wanted in (topic, of_record(topic)) if await look_at(wanted, patience_s=0) is None]
    if missing:
        names, lines = " and ".join(wanted.name for wanted in missing), "\n".join(map(create_line, missing))
        raise BrokenLog(
            f"{topic.bootstrap} lacks {names}: ask someone with the rights to run this, then provision again\n{lines}"
        )
    for wanted in (topic, of_record(topic)):
        await check_topic(wanted)


def create_line(topic: KafkaTopic) -> str:
    """Return the command with which an operator creates the topic."""
    settings = "".join(f" --config {name}={value}" for name, value in settings_of(topic).items())
    login = " --command-config client.properties" if topic.security.has_user else ""
    return (
        f"kafka-topics.sh --bootstrap-server {topic.bootstrap}{login} --create --topic {topic.name} "
        f"--partitions {topic.partitions} --replication-factor {topic.replication}{settings}"
    )


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

        Raises:
            BrokenLog: nothing is recorded, or it differs from this process's configuration; and as `check_topic`.
            KafkaError, OSError, TimeoutError: the broker is unreachable.
        """
        record = self._record or await read_record(configured)
        if record is None:
            raise await _missing(configured)
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
        raw = await asyncio.wait_for(_first(place), _ANSWER_S)
        return None if raw is None else decode_record(raw)
    except UnreadableRecord as error:
        raise BrokenLog(f"the topic {place.name} {error}") from error
    except TopicAuthorizationFailedError as error:
        raise BrokenLog(
            f"{place.bootstrap} does not let us read the topic {place.name}: grant the right Read"
        ) from error


async def write_installation(topic: KafkaTopic, own: OwnSecrets) -> None:
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


async def _missing(configured: KafkaTopic) -> BrokenLog:
    """Return the error for a missing record, perhaps because the topic is missing too."""
    if await look_at(configured, patience_s=0) is None:  # reading the record has already waited
        return no_topic(configured)
    return BrokenLog(
        f"nothing is recorded about the topic {configured.name} at {configured.bootstrap}: run "
        f"`crewkit-sessions provision --partitions N`, which writes it into {record_topic(configured.name)}"
    )
