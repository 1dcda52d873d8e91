"""A Kafka broker for one measurement, started from jars, with the product's topic and records as in production."""

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
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from bench.population import BATCH, ORGS, draw_sessions, make_creations, make_scripts, place_in_script, take_turns
from bench.question import Report
from devstack.kafka_jars import jars
from devstack.kafka_jars.broker import Broker
from ingest.intake.context import CommandContext
from ingest.intake.sessions.create import decide
from ingest.intake.times import parse_instant
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.provision import Wish, install
from ingest.log.kafka.topic import admin_of
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
# Those of the write side.
PRODUCER = {
    "enable_idempotence": True,
    "acks": "all",
    "compression_type": "zstd",
    "linger_ms": 5,
    "max_batch_size": 1 << 20,
    "max_request_size": 2 << 20,
}


class FilledTopic(NamedTuple):
    """A topic, and how much is in it."""

    topic: KafkaTopic
    records: int = 0
    events: int = 0


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


@contextlib.contextmanager
def filled_topic(folder: Path, events: int, report: Report) -> Iterator[FilledTopic]:
    """Run a broker whose topic holds ``events`` events in records of 100, appended without the write side."""
    with broker_topic(folder) as topic:
        yield asyncio.run(fill(topic, events, report))


async def fill(topic: KafkaTopic, events: int, report: Report) -> FilledTopic:
    """Append ``events`` events in records of 100, and the creations of their sessions."""
    filled, in_flight = FilledTopic(topic), asyncio.Semaphore(IN_FLIGHT)
    async with AIOKafkaProducer(bootstrap_servers=topic.bootstrap, **PRODUCER) as to:
        for record in _make_records(events, round(time.time() * 1000)):
            await in_flight.acquire()
            key = record_key(record.session_id)
            sent = await to.send(topic.name, encode(record), key, partition_of(key, topic.partitions))
            sent.add_done_callback(lambda _: in_flight.release())
            more = len(record.events) if isinstance(record, EventsRecorded) else 0
            filled = FilledTopic(topic, filled.records + 1, filled.events + more)
            if filled.records % 100 == 0:
                report(f"filling the topic, {filled.events:,} events")
        await to.flush()
    return filled


def _make_records(events: int, now_ms: int) -> Iterator[AnyRecord]:
    """Yield the records of new sessions, then ``events`` events in records of `BATCH`; sessions take turns."""
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    contexts = {org: CommandContext(org, Actor("bench", "member"), now_ms, keys, uuid.uuid4) for org in ORGS}
    planned = draw_sessions(events // BATCH, BATCH)
    creations = zip(planned, make_creations(len(planned)), strict=True)
    sessions = [decide(msgspec.json.decode(body, type=CreateSession), contexts[org]) for (org, _), body in creations]
    yield from sessions
    parsed = [[_parse_events(body) for body in script] for script in make_scripts()]
    for request in take_turns(planned):
        script, place = place_in_script(request, len(parsed[0]))
        head = contexts[planned[request.session].org].head_of(sessions[request.session].session_id)
        yield EventsRecorded(**head, events=tuple(Event(uuid.uuid4(), *fields) for fields in parsed[script][place]))


def _parse_events(body: bytes) -> list[tuple[str, int, msgspec.Raw, int | None]]:
    """Return the fields of each event, except its id."""
    events = msgspec.json.decode(body, type=RecordEvents).events
    return [(e.event_type, parse_instant(e.timestamp), msgspec.Raw(bytes(e.data)), e.seq) for e in events]


async def committed_records(topic: KafkaTopic, group: str) -> int:
    """Return how many records a consumer group has acknowledged; their rows are all in the tables."""
    try:
        async with admin_of(topic) as admin:
            offsets = await admin.list_consumer_group_offsets(group)
    except KafkaError:  # no member has joined the group yet, so it has no coordinator
        return 0
    return sum(max(0, meta.offset) for tp, meta in offsets.items() if tp.topic == topic.name)


def rewind_group(topic: KafkaTopic, group: str) -> None:
    """Make the next member of a group read from the start; no member may be running.

    Kafka's own tool also removes members that did not leave: those of Faust stay for the session timeout, a minute.
    Raises `RuntimeError` with the output of the tool if it fails.
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
    async with admin_of(beside) as admin:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    return beside._replace(name=name)
