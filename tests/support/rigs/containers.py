"""The production servers as containers: Kafka and ClickHouse, from the images of `deploy/compose.yaml`.

`TEST_KAFKA_IMAGE` and `TEST_CLICKHOUSE_IMAGE` name other images that take the same settings.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
import httpx
import yaml
from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from devstack.kafka_jars import probe
from devstack.kafka_jars.broker import MIB, NEVER_EXPIRE, ONE_NODE
from runtime.services.ports import free_port
from tests.support import CHECKOUT
from tests.support.rigs.store import Options

NO_CONTAINERS = "CREWKIT_TESTS_NO_CONTAINERS"  # the reason why containers can't be used; empty if they can
DAEMON_ANSWERS_S = 3
PULL_STALLS_S = 60  # without receiving a byte, not in total
READY_S = 120
LOOPBACK = "127.0.0.1"
CLICKHOUSE_FOLDER = CHECKOUT / "tests" / "support" / "rigs" / "clickhouse_container"


def kafka_image() -> str:
    """Return the image of the broker."""
    return os.environ.get("TEST_KAFKA_IMAGE") or _composed("kafka")


def clickhouse_image() -> str:
    """Return the image of the store."""
    return os.environ.get("TEST_CLICKHOUSE_IMAGE") or _composed("clickhouse")


def _composed(service: str) -> str:
    composed = yaml.safe_load((CHECKOUT / "deploy" / "compose.yaml").read_text())
    image: str = composed["services"][service]["image"]
    return image


def why_none() -> str:
    """Return why no container can be started, or an empty string. Missing images are pulled."""
    images = [kafka_image(), clickhouse_image()]
    if not testcontainers_config.ryuk_disabled:
        images.append(testcontainers_config.ryuk_image)  # it removes what a killed run leaves behind
    try:
        with contextlib.closing(docker.from_env(timeout=DAEMON_ANSWERS_S)) as client:
            client.ping()
            # Docker's filter takes a tag or a digest, not both.
            absent = [image for image in images if not client.images.list(name=re.sub(r":[\w.-]+@", "@", image))]
        with contextlib.closing(docker.from_env(timeout=PULL_STALLS_S)) as client:
            for image in absent:
                print(f"pulling {image}, once", flush=True)
                client.images.pull(image)
    except (DockerException, OSError) as reason:  # TimeoutError and requests' errors are OSErrors
        return " ".join(str(reason).split())
    return ""


@contextlib.contextmanager
def kafka_container() -> Iterator[str]:
    """Run a broker; return its `host:port`. It has the settings of `make stack`."""
    port = free_port()  # a broker advertises its address to clients, so the port must be known before it starts
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": "CLIENTS://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": "1@localhost:9093",
        "message.max.bytes": str(8 * MIB),
        **NEVER_EXPIRE,
        **ONE_NODE,
    }
    env = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    container = DockerContainer(kafka_image(), env={"CLUSTER_ID": "Y3Jld2tpdC1zZXNzaW9ucw", **env})
    with _running(container, {9092: port}, lambda: probe.serves(LOOPBACK, port)):
        yield f"{LOOPBACK}:{port}"


@contextlib.contextmanager
def clickhouse_container() -> Iterator[Options]:
    """Run a ClickHouse server as strict as the store server of the fixture `engine`; return the options of a client."""
    port = free_port()
    container = DockerContainer(clickhouse_image(), env={"CLICKHOUSE_SKIP_USER_SETUP": "1"})
    for folder in ("config.d", "users.d"):
        content = (CLICKHOUSE_FOLDER / folder / "tests.xml").read_bytes()
        container.with_copy_into_container(content, f"/etc/clickhouse-server/{folder}/tests.xml")
    with _running(container, {8123: port}, lambda: _pings(port)):
        yield {"host": LOOPBACK, "port": port, "username": "writer", "password": "w-secret"}


@contextlib.contextmanager
def _running(container: DockerContainer, ports: dict[int, int], is_ready: Callable[[], bool]) -> Iterator[None]:
    """Run a container whose ports are open only on loopback."""
    published: dict[str, Any] = {str(inside): (LOOPBACK, outside) for inside, outside in ports.items()}
    container.ports.update(published)
    with container:
        deadline = time.monotonic() + READY_S
        while not is_ready():
            container.reload()
            if container.status != "running" or time.monotonic() > deadline:
                raise AssertionError(f"{container.image} is not ready: {b''.join(container.get_logs())[-4000:]!r}")
            time.sleep(0.2)
        yield


def _pings(port: int) -> bool:
    try:
        return httpx.get(f"http://{LOOPBACK}:{port}/ping", trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False
