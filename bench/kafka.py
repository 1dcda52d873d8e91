"""A Kafka broker for one measurement, started from jars, with the product's topic.

The topic is filled with records as the write side makes them; a projector acknowledges them.
"""

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench.harness import Report
from bench.load import ORG
from bench.payloads import BATCH, Scripts, count_sessions, make_creations, schedule_batches
from deploy.devstack.kafka_jars.broker import Broker
from ingest.intake.context import CommandContext
from ingest.intake.sessions.create import decide
from ingest.intake.times import parse_instant
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.installation import Wish, install
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import own_secrets
from schemas.http.requests import CreateSession, RecordEvents
from schemas.ids import IdSecrets
from schemas.log.codec import encode
from schemas.log.records import Actor, AnyRecord, Event, EventsRecorded
from schemas.log.topics import TOPIC, partition_of, record_key

IN_FLIGHT = 64
PARTITIONS = 4


@contextlib.contextmanager
def broker_topic(folder: Path) -> Iterator[KafkaTopic]:
    """Run a broker with an empty topic of 4 partitions until the block ends."""
    broker = Broker(folder / "kafka")
    try:
        broker.start()
        make_embedded_secrets(folder / "secrets")
        topic = KafkaTopic(broker.bootstrap, TOPIC, PARTITIONS)
        yield asyncio.run(install(topic, own_secrets(folder / "secrets"), Wish(replication=1))).topic
    finally:
        broker.kill()  # its data is not read again


def log_url(topic: KafkaTopic) -> str:
    """Return the value of the setting `log_url` for the topic."""
    return f"kafka://{topic.bootstrap}/{topic.name}"


class Filled(NamedTuple):
    """How much is in the topic."""

    records: int
    events: int


def make_records(scripts: Scripts, events: int, now_ms: int) -> Iterator[AnyRecord]:
    """Yield the records of new sessions, then ``events`` events in records of 100; sessions take turns."""
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    context = CommandContext(ORG, Actor("bench", "member"), now_ms, keys, uuid.uuid4)
    bodies = make_creations(count_sessions(events))
    sessions = [decide(msgspec.json.decode(body, type=CreateSession), context) for body in bodies]
    yield from sessions
    parsed = [[_parse(body) for body in script] for script in scripts]
    for session, script, batch in schedule_batches(len(sessions), events // BATCH):
        head = context.head_of(sessions[session].session_id)
        yield EventsRecorded(**head, events=tuple(Event(uuid.uuid4(), *fields) for fields in parsed[script][batch]))


def _parse(body: bytes) -> list[tuple[str, int, msgspec.Raw, int | None]]:
    """Return the fields of each event, except its id."""
    events = msgspec.json.decode(body, type=RecordEvents).events
    return [(e.event_type, parse_instant(e.timestamp), msgspec.Raw(bytes(e.data)), e.seq) for e in events]


async def fill_topic(topic: KafkaTopic, records: Iterator[AnyRecord], report: Report) -> Filled:
    """Append all records with the producer settings of the write side."""
    producer = AIOKafkaProducer(
        bootstrap_servers=topic.bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=5,
        max_batch_size=1 << 20,
        max_request_size=2 << 20,
        **topic.security.client_options(),
    )
    filled = Filled(0, 0)
    await producer.start()
    try:
        in_flight = asyncio.Semaphore(IN_FLIGHT)
        for record in records:
            await in_flight.acquire()
            key = record_key(record.session_id)
            sent = await producer.send(topic.name, encode(record), key, partition_of(key, topic.partitions))
            sent.add_done_callback(lambda _: in_flight.release())
            events = len(record.events) if isinstance(record, EventsRecorded) else 0
            filled = Filled(filled.records + 1, filled.events + events)
            if filled.records % 100 == 0:
                report(f"filling the topic, {filled.events:,} events")
        await producer.flush()
    finally:
        await producer.stop()
    return filled


async def committed_records(topic: KafkaTopic, group: str) -> int:
    """Return how many records a consumer group has acknowledged; their rows are all in the tables."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.bootstrap, **topic.security.client_options())
    try:
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(group)
    except KafkaError:  # no member has joined the group yet, so it has no coordinator
        return 0
    finally:
        await admin.close()
    return sum(max(0, meta.offset) for tp, meta in offsets.items() if tp.topic == topic.name)
