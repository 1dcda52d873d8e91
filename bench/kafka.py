"""A Kafka broker for one measurement, started from jars, with the product's topic.

The topic is filled with records as the write side makes them; a projector acknowledges them.
"""

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench.harness import Report
from bench.load import ORG
from bench.payloads import BATCH, Scripts, count_sessions, make_creations, schedule_batches
from deploy.devstack.kafka_jars.broker import Broker
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.installing import Wish, install
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import own_secrets
from schemas.http.requests import CreateSession, RecordEvent
from schemas.ids import IdSecrets, derive, mint, new_thread
from schemas.log.codec import encode
from schemas.log.records import VERSION, Actor, AnyRecord, Event, EventsRecorded, SessionCreated
from schemas.log.topics import TOPIC, partition_of, record_key

IN_FLIGHT = 64
ACTOR = Actor("bench", "member")
PARTITIONS = 4


@contextlib.contextmanager
def kafka_topic(folder: Path) -> Iterator[KafkaTopic]:
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


class _Batch(msgspec.Struct):
    events: list[RecordEvent]


class _ParsedEvent(NamedTuple):
    event_type: str
    timestamp: int
    data: msgspec.Raw
    seq: int | None


def make_records(scripts: Scripts, events: int, now_ms: int) -> Iterator[AnyRecord]:
    """Yield the records of new sessions, then ``events`` events in records of 100; sessions take turns."""
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    ids = [mint(keys, "session", ORG, new_thread(None), False, None) for _ in range(count_sessions(events))]
    for id_, body in zip(ids, make_creations(len(ids)), strict=True):
        yield _created(id_, msgspec.json.decode(body, type=CreateSession), keys, now_ms)
    parsed = [[_parse(body) for body in script] for script in scripts]
    for session, script, batch in schedule_batches(len(ids), events // BATCH):
        yield _recorded(ids[session], parsed[script][batch], now_ms)


def _created(id_: UUID, body: CreateSession, keys: IdSecrets, now_ms: int) -> SessionCreated:
    run_id = mint(keys, "run", ORG, new_thread(None), False, None)
    fact_id = UUID(bytes=derive(keys.seed_key, "bench", [id_.bytes])[:16], version=4)
    fields = {name: getattr(body, name) for name in ("project_id", "agent_name", "model", "branch", "component")}
    return SessionCreated(**_base(id_, now_ms), fact_id=fact_id, run_id=run_id, repo="acme/backend", **fields)


def _recorded(id_: UUID, batch: Sequence[_ParsedEvent], now_ms: int) -> EventsRecorded:
    events = tuple(Event(uuid.uuid4(), event.event_type, event.timestamp, event.data, event.seq) for event in batch)
    return EventsRecorded(**_base(id_, now_ms), events=events)


def _base(id_: UUID, now_ms: int) -> dict[str, Any]:
    return {
        "v": VERSION,
        "record_id": uuid.uuid4(),
        "org_id": ORG,
        "session_id": id_,
        "actor": ACTOR,
        "received_at": now_ms,
    }


def _parse(body: bytes) -> list[_ParsedEvent]:
    events = msgspec.json.decode(body, type=_Batch).events
    return [_ParsedEvent(e.event_type, _ms(e.timestamp), msgspec.Raw(bytes(e.data)), e.seq) for e in events]


def _ms(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)


async def fill(topic: KafkaTopic, records: Iterator[AnyRecord], report: Report) -> Filled:
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
            await _append(producer, topic, record, in_flight)
            events = len(record.events) if isinstance(record, EventsRecorded) else 0
            filled = Filled(filled.records + 1, filled.events + events)
            if filled.records % 100 == 0:
                report(f"filling the topic, {filled.events:,} events")
        await producer.flush()
    finally:
        await producer.stop()
    return filled


async def _append(
    producer: AIOKafkaProducer, topic: KafkaTopic, record: AnyRecord, in_flight: asyncio.Semaphore
) -> None:
    key = record_key(record.session_id)
    sent = await producer.send(topic.name, encode(record), key, partition_of(key, topic.partitions))
    sent.add_done_callback(lambda _: in_flight.release())


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
