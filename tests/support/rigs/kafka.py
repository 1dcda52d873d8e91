"""A real Kafka broker for the tests: a container if Docker can run one, else from jars (Java 17 and Maven)."""

import contextlib
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from docker.errors import DockerException
from testcontainers.community.kafka import KafkaContainer

from deploy.devstack.kafka_jars.broker import MIB, Broker
from deploy.devstack.kafka_jars.jars import KafkaUnavailable, jars, java

logger = logging.getLogger(__name__)

DAEMON_ANSWERS_S = 3
PULL_STALLS_S = 60  # without a byte, not in total


@contextlib.contextmanager
def kafka_from_anywhere(data_dir: Path) -> Iterator[str]:
    """Run a fresh broker and return its `host:port`. Skip the test if none can be run."""
    with contextlib.ExitStack() as stack:
        container = start_container()
        if container is not None:
            stack.callback(container.stop)
            yield container.get_bootstrap_server()
        else:
            yield stack.enter_context(broker_from_jars(data_dir)).bootstrap


@contextlib.contextmanager
def broker_from_jars(data_dir: Path) -> Iterator[Broker]:
    """Run a broker that belongs to one test, which may stop, kill and restart it."""
    need_jars()
    broker = Broker(data_dir)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()  # its data is not needed any more


def need_jars() -> None:
    """Skip if no broker can be run from jars, or fail if `REQUIRE_KAFKA=1` requires one."""
    try:
        java(), jars()
    except KafkaUnavailable as reason:
        if os.environ.get("REQUIRE_KAFKA") == "1":
            pytest.fail(f"REQUIRE_KAFKA=1, but no broker can be had: {reason}")
        pytest.skip(f"no Kafka broker can be had: {reason}")


def start_container() -> KafkaContainer | None:
    """Return a running container, or None if no daemon responds at once or the image can't be pulled."""
    container = None
    try:
        _ask_daemon()
        container = KafkaContainer().with_kraft()
        _have_image(container.image)
        container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        container.with_env("KAFKA_MESSAGE_MAX_BYTES", str(8 * MIB))
        container.with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        container.with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
        container.start(timeout=60)
    except (DockerException, OSError) as reason:  # TimeoutError and requests' errors are OSErrors
        logger.info("no Kafka container, so jars: %s", reason)
        if container is not None:
            with contextlib.suppress(DockerException, OSError):
                container.stop()
        return None
    return container


def _ask_daemon() -> None:
    """Ask for a daemon. Raises `DockerException` or `OSError` within seconds if none responds."""
    with contextlib.closing(docker.from_env(timeout=DAEMON_ANSWERS_S)) as client:
        client.ping()


def _have_image(image: str) -> None:
    """Pull the image unless it is local. Raises `DockerException` or `OSError`."""
    with contextlib.closing(docker.from_env(timeout=PULL_STALLS_S)) as client:
        if not client.images.list(name=image):
            client.images.pull(image)


async def create_topic(bootstrap: str, partitions: int = 1, *, prefix: str = "test", **config: str) -> str:
    """Create a unique topic and return its name; `config` as in `{"max.message.bytes": "8388608"}`."""
    name = f"{prefix}-{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, replication_factor=1, topic_configs=config)])
    finally:
        await admin.close()
    return name
