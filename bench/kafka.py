"""A Kafka broker for one measurement, started from jars, with the product's topic.

The topic is filled with records as the write side makes them; a projector acknowledges them.
"""

import asyncio
import contextlib
import secrets
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from bench.harness import Report
from bench.payloads import BATCH, Scripts, make_creations, place_in_script
from bench.population import ORGS, draw_sessions, take_turns
from devstack.kafka_jars import jars
from devstack.kafka_jars.broker import Broker
from ingest.intake.context import CommandContext
from ingest.intake.sessions.create import decide
from ingest.intake.times import parse_instant
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.provision import Wish, install
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import own_secrets
from schemas.http.requests import CreateSession, RecordEvents
from schemas.ids import IdSecrets
from schemas.log.codec import encode
from schemas.log.records import Actor, AnyRecord, Event, EventsRecorded
from schemas.log.topics import TOPIC, partition_of, record_key

IN_FLIGHT = 64
PARTITIONS = 4
BROKER_FOLDER = "kafka"
TOOL_S = 120.0


@contextlib.contextmanager
def broker_topic(folder: Path) -> Iterator[KafkaTopic]:
    """Run a broker with an empty topic of 4 partitions until the block ends."""
    broker = Broker(folder / BROKER_FOLDER)
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


def make_records(scripts: Scripts, events: int, now_ms: int, batch: int = BATCH) -> Iterator[AnyRecord]:
    """Yield the records of new sessions, then ``events`` events in records of ``batch``; sessions take turns."""
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    contexts = {org: CommandContext(org, Actor("bench", "member"), now_ms, keys, uuid.uuid4) for org in ORGS}
    planned, bodies = draw_sessions(events // batch, batch), make_creations()
    sessions = [decide(msgspec.json.decode(next(bodies), type=CreateSession), contexts[org]) for org, _ in planned]
    yield from sessions
    parsed = [[parse_events(body) for body in script] for script in scripts]
    for request in take_turns(planned):
        script, place = place_in_script(request, len(parsed[0]))
        head = contexts[planned[request.session].org].head_of(sessions[request.session].session_id)
        yield EventsRecorded(**head, events=tuple(Event(uuid.uuid4(), *fields) for fields in parsed[script][place]))


def parse_events(body: bytes) -> list[tuple[str, int, msgspec.Raw, int | None]]:
    """Return the fields of each event, except its id."""
    events = msgspec.json.decode(body, type=RecordEvents).events
    return [(e.event_type, parse_instant(e.timestamp), msgspec.Raw(bytes(e.data)), e.seq) for e in events]


async def fill_topic(
    topic: KafkaTopic, records: Iterator[AnyRecord], report: Report, records_a_second: float | None = None
) -> Filled:
    """Append all records with the producer settings of the write side, at a steady rate or as fast as possible."""
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
        in_flight, begun = asyncio.Semaphore(IN_FLIGHT), time.monotonic()
        for record in records:
            if records_a_second and (early := begun + filled.records / records_a_second - time.monotonic()) > 0:
                await asyncio.sleep(early)
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


def rewind_group(topic: KafkaTopic, group: str) -> None:
    """Let the next member of a group, which has no running member now, read from the start.

    Kafka's own tool also removes members that did not leave: Faust's stay for the session timeout, a minute.

    Raises:
        RuntimeError: the tool failed; the message holds its output.
    """
    if asyncio.run(committed_records(topic, group)) == 0:
        return
    words = ["--bootstrap-server", topic.bootstrap, "--application-id", group, "--input-topics", topic.name, "--force"]
    command = [jars.java(), "-cp", f"{jars.jars()}/*", "org.apache.kafka.tools.StreamsResetter", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"could not rewind {group}: {(done.stdout + done.stderr)[-1000:]}")


async def create_topic(beside: KafkaTopic, name: str) -> KafkaTopic:
    """Create an empty topic for a baseline on the same broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=beside.bootstrap, **beside.security.client_options())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    finally:
        await admin.close()
    return beside._replace(name=name)
