"""A real Kafka broker for the tests, from jars (Java 17 and Maven)."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from devstack.kafka_jars.broker import Broker, BrokerSettings, prepare
from devstack.kafka_jars.jars import KAFKA, JarSet, KafkaUnavailable, jars, java
from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.creation import settings_of
from ingest.log.kafka.topic import admin_of
from runtime.settings.private_files import private_folder


@contextlib.contextmanager
def broker_from_jars(data_dir: Path) -> Iterator[Broker]:
    """Run a broker without topics and without users."""
    need_jars()
    broker = Broker(data_dir)
    private_folder(data_dir)
    shutil.copytree(Path(_formatted().name) / "records", broker.settings.log_dir)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()  # its data is no longer needed


async def start_again(broker: Broker) -> None:
    """Restart a broker in an async test. It dies with the thread that starts it, so only the wait uses another."""
    broker.launch()
    await asyncio.to_thread(broker.wait_ready)


@cache
def _formatted() -> "tempfile.TemporaryDirectory[str]":
    """Format a data folder once for all brokers of this process: the tool starts its own JVM."""
    folder = tempfile.TemporaryDirectory(prefix="formatted-kafka-")
    prepare(BrokerSettings(data_dir=Path(folder.name), port=1, controller_port=2))
    return folder


def need_jars(of: JarSet = KAFKA) -> Path:
    """Return the folder of the jars. If they can't run, skip the test, or fail it if `REQUIRE_KAFKA=1`."""
    try:
        java()
        return jars(of)
    except KafkaUnavailable as reason:
        if os.environ.get("REQUIRE_KAFKA") == "1":
            pytest.fail(f"REQUIRE_KAFKA=1, but no {of.name} can be had: {reason}")
        pytest.skip(f"no {of.name} can be had: {reason}")


async def create_topic(bootstrap: str, partitions: int = 1, *, prefix: str = "test", **config: str) -> str:
    """Create a topic with a unique name and return the name; `config` as in `{"max.message.bytes": "8388608"}`."""
    name = f"{prefix}-{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, replication_factor=1, topic_configs=config)])
    finally:
        await admin.close()
    return name


async def set_topic(topic: KafkaTopic, changes: Mapping[str, str]) -> None:
    """Give a topic the settings of `provision`, with these changes."""
    async with admin_of(topic) as admin:
        settings = settings_of(topic) | dict(changes)
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, settings)])
