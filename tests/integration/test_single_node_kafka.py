"""The broker of `deploy/kubernetes/overlays/single-node`: a real Kafka starts with its files and accepts the log."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from devstack.kafka_jars.jars import jars, java
from ingest.log.kafka import InstalledTopic, KafkaTopic
from ingest.log.kafka.creation import find_topic
from ingest.log.kafka.installation import Wish, install
from runtime.services.ports import free_ports, is_free
from schemas.installation import OwnSecrets
from tests.support.manifests import FOLDER, pods, written
from tests.support.rigs.kafka import need_jars
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
OVERLAY = FOLDER / "overlays" / "single-node"
OURS = OwnSecrets("f1", "/our/secrets")


def properties_here(folder: Path, clients: int, controller: int) -> Path:
    """Write the properties for this machine: other ports, another folder, and this host's name for Kafka's."""
    text = (OVERLAY / "server.properties").read_text()
    text = text.replace("/var/lib/kafka/data", str(folder)).replace("//kafka:", "//127.0.0.1:")
    text = (
        text.replace(":9092", f":{clients}")
        .replace(":9093", f":{controller}")
        .replace("CLIENTS://:", "CLIENTS://127.0.0.1:")
    )
    (folder / "server.properties").write_text(text)
    return folder / "server.properties"


def format_words() -> list[str]:
    """Return the manifest's arguments for the format tool, without the path of the properties."""
    (kafka,) = (pod for pod in pods(written("single-node")) if pod.name == "kafka")
    (container,) = kafka.spec["initContainers"]
    script, *words = container["command"]
    assert script == "/opt/kafka/bin/kafka-storage.sh"
    *more, option, path = container["args"]
    assert (option, Path(path).name) == ("--config", "server.properties")
    return [*words, *more]


async def provisioned(topic: KafkaTopic) -> tuple[int, int]:
    """Do the Kafka part of `provision`; return the replicas and, as seen by another process, the partitions."""
    installed = await install(topic, OURS, Wish(replication=1))
    return installed.topic.replication, (
        await find_topic(topic._replace(partitions=0), InstalledTopic(OURS))
    ).partitions


def test_the_broker_of_one_node_takes_the_log(tmp_path: Path) -> None:
    """Formatting twice is harmless, the broker logs only to standard output, and `provision` accepts it."""
    need_jars()
    clients, controller = free_ports(2)
    properties = str(properties_here(tmp_path, clients, controller))
    logging = f"-Dlog4j2.configurationFile={OVERLAY / 'log4j2.properties'}"
    run = [java(), "-Xmx512m", logging, f"-Dkafka.logs.dir={tmp_path}", "-cp", f"{jars()}/*"]
    formatting = [*run, "kafka.tools.StorageTool", *format_words(), "--config", properties]
    for _ in range(2):
        subprocess.run(formatting, check=True, capture_output=True)
    with (tmp_path / "console").open("w") as console:
        broker = subprocess.Popen([*run, "kafka.Kafka", properties], stdout=console, stderr=console)
    try:
        eventually(lambda: broker.poll() is not None or not is_free("127.0.0.1", clients), within_s=60)

        assert asyncio.run(provisioned(KafkaTopic(f"127.0.0.1:{clients}", "crewkit.sessions.v1", 64))) == (1, 64)
    finally:
        broker.terminate()
        broker.wait(30)
    assert re.search(r"INFO .*started \(kafka.server.KafkaRaftServer\)", (tmp_path / "console").read_text())
    assert {file.name for file in tmp_path.iterdir()} == {"server.properties", "console", "records"}
