"""Fills the topic with records as the write side makes them, and watches how far a projector has come."""

import asyncio
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench.payloads import BATCH, creations, rounds, sessions_for
from ingest.log.kafka import KafkaTopic
from schemas.http.requests import CreateSession, RecordEvent
from schemas.ids import IdSecrets, derive, mint, new_thread
from schemas.log.codec import encode
from schemas.log.records import VERSION, Actor, AnyRecord, Event, EventsRecorded, SessionCreated
from schemas.log.topics import partition_of, record_key

ORG = "acme"
IN_FLIGHT = 64
ACTOR = Actor("bench", "member")


class Filled(NamedTuple):
    """What is in the topic."""

    records: int
    events: int


class _Batch(msgspec.Struct):
    events: list[RecordEvent]


class _Told(NamedTuple):
    event_type: str
    timestamp: int
    data: msgspec.Raw
    seq: int | None


def records(told: Sequence[Sequence[bytes]], events: int, now_ms: int) -> Iterator[AnyRecord]:
    """Sessions, then ``events`` events in records of 100, the sessions taking turns."""
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    ids = [mint(keys, "session", ORG, new_thread(None), False, None) for _ in range(sessions_for(events))]
    for id_, body in zip(ids, creations(len(ids)), strict=True):
        yield _created(id_, msgspec.json.decode(body, type=CreateSession), keys, now_ms)
    parsed = [[_parse(body) for body in story] for story in told]
    for session, story, place in rounds(len(ids), events // BATCH):
        yield _recorded(ids[session], parsed[story][place], now_ms)


def _created(id_: UUID, body: CreateSession, keys: IdSecrets, now_ms: int) -> SessionCreated:
    run_id = mint(keys, "run", ORG, new_thread(None), False, None)
    fact_id = UUID(bytes=derive(keys.seed_key, "bench", [id_.bytes])[:16], version=4)
    fields = {name: getattr(body, name) for name in ("project_id", "agent_name", "model", "branch", "component")}
    return SessionCreated(**_base(id_, now_ms), fact_id=fact_id, run_id=run_id, repo="acme/backend", **fields)


def _recorded(id_: UUID, told: Sequence[_Told], now_ms: int) -> EventsRecorded:
    events = tuple(Event(uuid.uuid4(), one.event_type, one.timestamp, one.data, one.seq) for one in told)
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


def _parse(body: bytes) -> list[_Told]:
    events = msgspec.json.decode(body, type=_Batch).events
    return [_Told(e.event_type, _ms(e.timestamp), msgspec.Raw(bytes(e.data)), e.seq) for e in events]


def _ms(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)


async def fill(topic: KafkaTopic, records: Iterator[AnyRecord], say: Callable[[str], None]) -> Filled:
    """Append all of them, as the write side would."""
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
                say(f"filling the topic, {filled.events:,} events")
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


async def committed(topic: KafkaTopic, group: str) -> int:
    """How many records a group has acknowledged: all that is derived from them is in the tables."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.bootstrap, **topic.security.client_options())
    try:
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(group)
    except KafkaError:  # nobody has joined the group yet, so it has no coordinator
        return 0
    finally:
        await admin.close()
    return sum(max(0, meta.offset) for tp, meta in offsets.items() if tp.topic == topic.name)
