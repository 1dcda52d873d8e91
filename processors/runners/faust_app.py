"""The runner of production: a thin adapter between Faust and the pipeline.

Reasons for the settings, each measured on a real broker:

* No agent: its stream costs 3 µs an event, and acknowledges a record as soon as the next one is asked for.
  `batch_consumer` takes the records instead.
* Acknowledging in offset order, only after a finished write: Faust commits past an un-acknowledged record at the head.
* `stream_wait_empty=False`: with True a SIGTERM hangs while anything is un-acknowledged.
* Static membership: a restarted worker gets its partitions back in 2 s instead of after a session time-out.
* A poll interval of a day: while the store is away nothing is read from the log, and the consumer would take the worker
  for dead and leave its group. Only the consumer enforces this interval, not the broker. The watchdog ends a worker
  that hangs long before that; heartbeats show that a worker is gone.
"""

import asyncio
import fcntl
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import aiokafka
import faust
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from faust.types import ConsumerMessage
from msgspec import Struct

from processors.flow.backlog import Backlog
from processors.pipeline import Pipeline, Written
from processors.plan import BATCH_BYTES_MAX
from processors.runners.batch_consumer import BatchTransport
from processors.runners.bounded_stop import BoundedStopWorker
from processors.runners.membership import watch_membership
from schemas.deadline import within
from schemas.log.kafka_security import KafkaSecurity
from schemas.log.position import LogRecord, LogUnavailable
from store.broken import Broken
from store.fail_points import fail_point

logger = structlog.get_logger()
SESSION_TIMEOUT_S = 60
POLL_INTERVAL_S = 24 * 3600  # longer than any outage of the store
FETCH_BYTES_MIN, FETCH_BYTES_MAX = 256 << 10, 8 << 20  # of one partition, compressed
ROUND_BYTES_MAX = 32 << 20  # of all partitions: the most that is fetched until a partition has its turn again
POLL_RECORDS_MAX = 800
OFFSETS_S = 30.0
_NO_RIGHT = (aiokafka.errors.TopicAuthorizationFailedError, aiokafka.errors.GroupAuthorizationFailedError)


class FaustSettings(Struct, frozen=True):
    """``instance`` numbers the workers of one host; ``bootstrap`` is a comma-separated list of host:port."""

    bootstrap: str
    topic: str
    partitions: int
    group: str
    instance: int
    folder: Path
    security: KafkaSecurity = KafkaSecurity()
    batch_records: int = 8_000

    @property
    def static_id(self) -> str:
        """The name by which the group knows this worker: no other worker may have it."""
        return f"{socket.gethostname()}-{self.group}-{self.instance}"


def check_versions() -> None:
    """Refuse versions with which Faust is known to lose records. Raises `Broken`: the message says what to install."""
    if _release(version("faust-streaming")) < (0, 15, 3) or _release(aiokafka.__version__) < (0, 14):
        raise Broken("faust-streaming >= 0.15.3 and aiokafka >= 0.14 are needed: run `make setup`")


def lock_instance(settings: FaustSettings) -> IO[str]:
    """Return a lock to hold until the process ends: two workers with one static id would keep rejoining.

    Raises `Broken` if another process runs under this instance number.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    file = (settings.folder / f"{settings.group}-{settings.instance}.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Broken(f"a projector with instance {settings.instance} already runs: choose another number") from error
    return file


def build_app(
    settings: FaustSettings, pipeline: Pipeline, background: Sequence[Callable[[], Awaitable[None]]]
) -> faust.App:
    """Return a Faust app that reads one topic. ``background`` runs alongside; an error there stops the worker."""
    app = _app(settings)
    backlog: Backlog[ConsumerMessage] = Backlog(settings.batch_records, BATCH_BYTES_MAX)
    app.transport = BatchTransport(app, lambda message: backlog.put(message, len(message.value or b"")))
    app.topics.add(app.topic(settings.topic))  # the consumer subscribes to it

    async def project_records() -> None:
        """Store each batch, then acknowledge it. An offset moves only after everything derived from it exists."""
        while True:
            messages = await backlog.take(pipeline.wait_to_begin)
            written = await pipeline.project([_record(message) for message in messages])
            written.add_done_callback(_acknowledger(app, messages))

    @app.on_partitions_revoked.connect
    async def revoked(_: Any, partitions: Iterable[Any], **__: Any) -> None:
        pipeline.release([tp.partition for tp in partitions])

    @app.on_partitions_assigned.connect
    async def assigned(_: Any, partitions: Iterable[Any], **__: Any) -> None:
        mine = sorted(tp.partition for tp in partitions if tp.topic == settings.topic)
        pipeline.assign(mine)
        app.add_future(_crashing(app, take_over(settings, pipeline, mine)))

    @app.task
    async def beside() -> None:
        watching = partial(watch_membership, partial(_member_id, app), settings.static_id)
        parts: list[Callable[[], Awaitable[None]]] = [project_records, watching, *background]
        await asyncio.gather(*[_crashing(app, run()) for run in parts])

    app.kept = (revoked, assigned)  # signals hold their receivers weakly
    return app


def group_state(app: faust.App) -> tuple[int, int]:
    """Return how often the consumer group was rebalanced since this worker started, and the group's generation."""
    return app.rebalancing_count, app.consumer_generation_id


def _member_id(app: faust.App) -> str:
    """Return the id that the group gave this worker; empty before it joins."""
    consumer = app.consumer._thread._consumer  # noqa: SLF001  # no public way leads to it
    return consumer._coordinator.member_id if consumer is not None else ""  # noqa: SLF001


def run_until_stopped(app: faust.App) -> int:
    """Run a worker until SIGTERM or SIGINT; return the exit code, 1 after an error."""
    try:
        BoundedStopWorker(app, loglevel="WARNING", quiet=True).execute_from_commandline()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


async def take_over(settings: FaustSettings, pipeline: Pipeline, partitions: Sequence[int]) -> None:
    """Take over partitions, even idle ones: everything below their committed offset must have been projected.

    So must everything that the topic no longer has: the consumer never gets it. Raises `Broken` if a committed offset
    is beyond the log's end, or the topic has more partitions than before.
    """
    if max(partitions, default=0) >= settings.partitions:
        raise Broken(
            f"the topic {settings.topic} has grown beyond its {settings.partitions} partitions, and the count is "
            "frozen: begin a new version of the topic"
        )
    committed, starts, ends = await pipeline.calls.read_log(partial(_offsets, settings, partitions))
    for partition in partitions:
        if committed[partition] > ends[partition]:
            raise Broken(
                f"group {settings.group} has committed offset {committed[partition]} of partition {partition}, but "
                f"the log ends at {ends[partition]}: it lost its tail. Restore it, or project into a new generation"
            )
        await pipeline.take_over(partition, max(committed[partition], starts[partition]))


async def _offsets(settings: FaustSettings, partitions: Sequence[int]) -> tuple[dict[int, int], ...]:
    """Return what is committed, and where the log starts and ends, of each partition."""
    try:
        return (
            await within(OFFSETS_S, _committed(settings, partitions)),
            *await within(OFFSETS_S, _bounds(settings, partitions)),
        )
    except _NO_RIGHT as error:
        raise Broken(f"the right to read the topic or to join the group was revoked: {error!r}") from error
    except (aiokafka.errors.KafkaError, OSError) as error:
        raise LogUnavailable(f"the offsets of group {settings.group} can't be read: {error!r}") from error


async def _committed(settings: FaustSettings, partitions: Sequence[int]) -> dict[int, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap.split(","), **settings.security.client_options())
    try:
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(settings.group)
    finally:
        await admin.close()
    known = {tp.partition: meta.offset for tp, meta in offsets.items() if tp.topic == settings.topic}
    return {partition: max(known.get(partition, 0), 0) for partition in partitions}


async def _bounds(settings: FaustSettings, partitions: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap.split(","), **settings.security.client_options()
    )
    asked = [TopicPartition(settings.topic, partition) for partition in partitions]
    try:
        await consumer.start()
        starts, ends = await consumer.beginning_offsets(asked), await consumer.end_offsets(asked)
    finally:
        await consumer.stop()
    return {tp.partition: starts[tp] for tp in asked}, {tp.partition: ends[tp] for tp in asked}


def _app(settings: FaustSettings) -> faust.App:
    return faust.App(
        settings.group,
        version=1,
        broker=[f"aiokafka://{address}" for address in settings.bootstrap.split(",")],
        broker_credentials=_credentials(settings.security),
        store="memory://",
        datadir=settings.folder / f"faust-{settings.group}-{settings.instance}",
        processing_guarantee="at_least_once",
        broker_commit_interval=1.0,
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=SESSION_TIMEOUT_S / 10,
        broker_request_timeout=SESSION_TIMEOUT_S + 30,
        broker_max_poll_interval=POLL_INTERVAL_S,
        broker_max_poll_records=min(settings.batch_records, POLL_RECORDS_MAX),
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.static_id,
        consumer_max_fetch_size=_fetch_bytes(settings.partitions),
        stream_recovery_delay=0,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )


def _fetch_bytes(partitions: int) -> int:
    return max(FETCH_BYTES_MIN, min(FETCH_BYTES_MAX, ROUND_BYTES_MAX // partitions))


def _credentials(security: KafkaSecurity) -> Any:
    """Return for Faust what `client_options` returns for aiokafka; None without TLS and log-in."""
    context = security.context if security.has_tls else None
    if not security.has_user:
        return context and faust.SSLCredentials(context)
    if security.tokens is not None:
        return faust.OAuthCredentials(oauth_cb=security.tokens, ssl_context=context)
    return faust.SASLCredentials(
        username=security.user, password=security.password, mechanism=security.mechanism, ssl_context=context
    )


def _record(message: ConsumerMessage) -> LogRecord:
    return LogRecord(message.partition, message.offset, message.key, message.value, round(message.timestamp * 1000))


def _acknowledger(app: faust.App, messages: Sequence[ConsumerMessage]) -> Callable[[Written], None]:
    def acknowledge(written: Written) -> None:
        if written.cancelled():
            return
        if error := written.exception():
            app.add_future(_crashing(app, app.crash(error)))
            return
        for message in messages:
            app.consumer.ack(message)
        fail_point("projector.acknowledged")

    return acknowledge


async def _crashing(app: faust.App, work: Awaitable[None]) -> None:
    try:
        await work
    except (asyncio.CancelledError, LogUnavailable):
        raise
    except Exception as error:
        logger.error("projector_broken", error=str(error))  # the message says what to do
        await app.crash(error)


def _release(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
