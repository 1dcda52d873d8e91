"""A Kafka cluster of three nodes from jars, for topics with three replicas."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from devstack.kafka_jars import broker as broker_module
from devstack.kafka_jars import probe
from devstack.kafka_jars.broker import Broker, BrokerSettings
from devstack.kafka_jars.jars import jars, java
from runtime.services.ports import free_ports
from tests.support.rigs.kafka import broker_from_jars
from tests.support.waiting import eventually

NODES = 3


@contextlib.contextmanager
def three_brokers(folder: Path) -> Iterator[str]:
    """Run the cluster: `host:port,host:port,host:port`; the first node is also the controller."""
    with contextlib.ExitStack() as running:
        first = running.enter_context(broker_from_jars(folder / "1"))
        ports = [running.enter_context(_another(first, folder, node)) for node in range(2, NODES + 1)]
        yield ",".join([first.bootstrap, *(f"{broker_module.HOST}:{port}" for port in ports)])


@contextlib.contextmanager
def _another(first: Broker, folder: Path, node: int) -> Iterator[int]:
    """Start a broker that follows the first one; return its port."""
    (port,) = free_ports(1, broker_module.HOST)
    settings = BrokerSettings(data_dir=folder / str(node), port=port, controller_port=first.settings.controller_port)
    settings.data_dir.mkdir(mode=0o700)
    only_broker = {"process.roles": "broker", "node.id": str(node)}
    only_broker["listeners"] = f"CLIENTS://{broker_module.HOST}:{port}"
    lines = (broker_module.properties(settings) | only_broker).items()
    settings.properties_file.write_text("".join(f"{name}={value}\n" for name, value in lines))
    tool = [java(), "-cp", f"{jars()}/*", "kafka.tools.StorageTool", "format", "-t", _cluster_id(first)]
    subprocess.run([*tool, "-c", str(settings.properties_file)], check=True, timeout=90, capture_output=True)
    process = subprocess.Popen(broker_module.command(settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: probe.serves(broker_module.HOST, port), within_s=60)
        yield port
    finally:
        process.kill()
        process.wait()


def _cluster_id(first: Broker) -> str:
    found = re.search(r"^cluster\.id=(.+)$", (first.settings.log_dir / "meta.properties").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]
