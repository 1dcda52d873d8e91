"""Runs a Faust worker: first the checks, then the projector alongside Faust's agent."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
import uvloop

from generations.control import Control
from generations.projector_jobs import ProjectorJobs
from ingest.log.kafka import InstalledTopic, KafkaTopic
from ingest.log.kafka.creation import find_group, find_topic
from ingest.log.tiered import copies_of
from processors.runners import faust_app
from processors.runners.faust_app import FaustSettings
from runtime.services.metrics import metrics_served, new_registry
from runtime.services.projector import check_start, make_projector, make_warehouse
from runtime.services.tuning import tune_interpreter
from runtime.settings.kafka_settings import kafka_topic
from runtime.settings.log_reader import kafka_reader
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.store_url import store_address
from runtime.settings.tls import check_transport
from schemas.log.position import LogReader
from store.generations import Generation
from store.installation_record import check_same_installation
from store.migrate import check_migrated
from store.reading.reader import open_reader

logger = structlog.get_logger()


def run_worker(settings: Settings) -> int:
    """Project until SIGTERM; return the exit code. Raises `Broken`: the log, the store or a library doesn't match."""
    address = parse_log_url(settings.log)
    if not isinstance(address, KafkaAddress):
        raise BadSettings("log_url: the processors follow Kafka; the embedded default, `up`, projects by itself")
    faust_app.check_versions()
    tune_interpreter()
    uvloop.install()  # for Faust's loop, and for its consumer's in another thread
    configured = kafka_topic(settings, address)
    worker = _worker(settings, configured)
    lock = faust_app.lock_instance(worker)
    topic, log = asyncio.run(_check(settings, configured, worker.group))
    worker = _worker(settings, topic)
    registry = new_registry()
    projector = make_projector(settings, log, topic.partitions, registry)
    reader = open_reader(store_address(settings))
    by = f"projector {settings.instance} of {settings.generation} on {socket.gethostname()}"
    jobs = ProjectorJobs(
        projector, reader, Generation(settings.generation, topic.partitions), by, copies_of(log, topic.partitions)
    )
    background: list[Callable[[], Awaitable[None]]] = [
        *projector.background(),
        jobs.certifier.run,
        Control(reader, jobs).run,
        partial(_end_when_dropped, jobs),
    ]
    app = faust_app.build_app(worker, projector.pipeline, background)
    projector.metrics.follow_erasures(lambda: jobs.certifier.seen)
    projector.metrics.follow_group(partial(faust_app.group_state, app))
    projector.watchdog.start()
    try:
        with metrics_served(settings, registry, projector.pipeline.calls.answering):
            return faust_app.run_until_stopped(app)
    finally:
        projector.watchdog.stop()
        lock.close()


async def _end_when_dropped(jobs: ProjectorJobs) -> None:
    """Stop this process like SIGTERM once its generation is dropped."""
    await jobs.is_dropped.wait()
    logger.warning("generation_dropped", what="this projector ends")
    os.kill(os.getpid(), signal.SIGTERM)


async def _check(settings: Settings, configured: KafkaTopic, group: str) -> tuple[KafkaTopic, LogReader]:
    """Return the topic and a reader of the log, after checking both against the store and both records.

    A projector has no secrets to compare.
    """
    installed, store = InstalledTopic(None), store_address(settings)
    topic = await find_topic(configured, installed)
    await find_group(topic, group)
    await asyncio.to_thread(check_transport, store)
    reader = kafka_reader(settings, topic, installed.record.secrets)
    try:
        await asyncio.to_thread(check_migrated, store, settings.generation)
        await asyncio.to_thread(check_same_installation, store, installed.record.secrets, f"the topic {topic.name}")
        await check_start(make_warehouse(store, settings.generation), reader, topic.partitions)
        return topic, reader
    finally:
        await reader.stop()


def _worker(settings: Settings, topic: KafkaTopic) -> FaustSettings:
    return FaustSettings(
        bootstrap=topic.bootstrap,
        security=topic.security,
        topic=topic.name,
        partitions=topic.partitions,
        # Two stores may be projected from the same topic, each into several generations.
        group=f"{topic.name}.{store_address(settings).control}.{settings.generation}",
        instance=settings.instance,
        folder=settings.folder / "faust",
        batch_records=settings.batch_records,
    )
