"""The broker from jars is a real one, and does not lose acknowledged records."""

import hashlib
import os
import re
import socket
import subprocess
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from devstack.kafka_jars import jars, probe
from devstack.kafka_jars.broker import MIB, Broker, BrokerFailed
from runtime.services.ports import free_port
from tests.support.rigs.kafka import create_topic, need_jars

pytestmark = pytest.mark.kafka

FreshTopic = Callable[..., Awaitable[str]]


async def produce(bootstrap: str, topic: str, values: list[bytes], *, partition: int = 0) -> list[int]:
    """Send as the product does, and return the offsets."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        max_request_size=8 * MIB,
    )
    async with producer:
        sent = [await producer.send(topic, value, partition=partition) for value in values]
        return [(await future).offset for future in sent]


async def read(bootstrap: str, topic: str, count: int, *, partition: int = 0) -> list[bytes]:
    """Return the first `count` records of a partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=8 * MIB
    )
    async with consumer:
        consumer.assign([TopicPartition(topic, partition)])
        return [(await consumer.getone()).value for _ in range(count)]


async def test_what_is_produced_is_consumed_in_order(kafka: str, fresh_topic: FreshTopic) -> None:
    """With idempotence and zstd, each partition returns its records in order at dense offsets."""
    topic = await fresh_topic(partitions=4)
    values = [b"record %d" % n for n in range(500)]

    offsets = await produce(kafka, topic, values, partition=3)

    assert offsets == list(range(500))
    assert await read(kafka, topic, 500, partition=3) == values


async def test_acknowledged_records_survive_kill_9(kafka_broker: Broker) -> None:
    """A broker killed right after the acknowledgement has every record after its restart on the same port."""
    topic = await create_topic(kafka_broker.bootstrap)
    values = [b"x" * 1000 + b"%d" % n for n in range(200)]
    await produce(kafka_broker.bootstrap, topic, values)
    first_pid = kafka_broker.pid

    kafka_broker.kill()
    assert not kafka_broker.running
    kafka_broker.start()

    assert kafka_broker.pid != first_pid
    assert await read(kafka_broker.bootstrap, topic, 200) == values
    assert await produce(kafka_broker.bootstrap, topic, [b"next"]) == [200]


async def test_a_stopped_broker_starts_again(kafka_broker: Broker) -> None:
    """SIGTERM stops it in time; its records are there at the next start."""
    topic = await create_topic(kafka_broker.bootstrap)
    await produce(kafka_broker.bootstrap, topic, [b"stored"])

    kafka_broker.stop()
    assert not probe.serves("127.0.0.1", kafka_broker.settings.port)
    kafka_broker.start()

    assert await read(kafka_broker.bootstrap, topic, 1) == [b"stored"]


async def test_topics_exist_only_when_made(kafka: str) -> None:
    """An unknown topic name is an error and creates no topic."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=500) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.partitions_for("misspelt")

    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        assert "misspelt" not in await consumer.topics()


async def test_records_of_5_mb_get_in(kafka: str, fresh_topic: FreshTopic) -> None:
    """Tests need hostile records in the log to see that they become dead letters."""
    topic = await fresh_topic()
    poison = b"\x00" * 5_000_000

    await produce(kafka, topic, [poison])

    assert await read(kafka, topic, 1) == [poison]


def test_no_java_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what is missing and how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(jars.KafkaUnavailable, match="install Java 17"):
        jars.java()


def test_no_maven_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Maven and without cached jars the error names both."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    with pytest.raises(jars.KafkaUnavailable, match=r"Maven \(Debian"):
        jars.jars()


def fake_maven(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a shell script named `mvn` first in PATH, and give the test a separate cache and its own list of jars."""
    folder.mkdir()
    (folder / "pom.sha256").write_text(f"{hashlib.sha256().hexdigest()}  kafka_2.13-x.jar\n")
    monkeypatch.setattr(jars, "KAFKA", jars.KAFKA._replace(pom=folder / "pom.xml"))
    (folder / "mvn").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))


def test_two_fetches_at_once_leave_one_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both return the folder of the first, and no partial folder remains."""
    script = 'for last; do :; done; into="${last#*=}"; mkdir -p "$into"; sleep 0.3; touch "$into/kafka_2.13-x.jar"'
    fake_maven(tmp_path / "bin", script, monkeypatch)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: jars.jars(jars.KAFKA), range(2)))

    assert found == [jars.KAFKA.cache_dir()] * 2
    assert [path.name for path in jars.KAFKA.cache_dir().parent.iterdir()] == [jars.KAFKA.cache_dir().name]
    assert (jars.KAFKA.cache_dir() / "kafka_2.13-x.jar").exists()


def test_a_failed_fetch_leaves_nothing_and_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error contains Maven's output; the next run fetches again."""
    fake_maven(tmp_path / "bin", "echo 'no route to host'; exit 1", monkeypatch)

    with pytest.raises(jars.KafkaUnavailable, match="no route to host"):
        jars.jars(jars.KAFKA)

    assert list(jars.KAFKA.cache_dir().parent.iterdir()) == []


@pytest.mark.parametrize(
    ("fetched", "differs"),
    [("echo x > kafka_2.13-x.jar", "kafka_2.13-x.jar"), ("touch kafka_2.13-x.jar evil.jar", "evil.jar")],
)
def test_jars_that_are_not_on_the_list_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetched: str, differs: str
) -> None:
    """This holds for changed and for additional jars; the error names them, and the cache stays empty."""
    script = f'for last; do :; done; into="${{last#*=}}"; mkdir -p "$into"; cd "$into"; {fetched}'
    fake_maven(tmp_path / "bin", script, monkeypatch)

    with pytest.raises(jars.KafkaUnavailable, match=rf"differ from \S+pom\.sha256: {re.escape(differs)}\. "):
        jars.jars(jars.KAFKA)

    assert list(jars.KAFKA.cache_dir().parent.iterdir()) == []


def test_a_broker_that_does_not_run_is_no_reason_to_skip(tmp_path: Path) -> None:
    """If Java and jars exist but the broker exits at once (its port is taken), the test fails."""
    need_jars()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        broker = Broker(tmp_path, port=taken.getsockname()[1])

        with pytest.raises(BrokerFailed, match=f"its logs are in {tmp_path}"):
            broker.start()

    assert "Address already in use" in broker.settings.log_file.read_text()


def test_the_pom_asks_for_the_version_the_cache_is_named_after() -> None:
    """Another Kafka version in the pom needs another cache folder."""
    assert jars.KAFKA.pom.read_text().count(f"<version>{jars.KAFKA_VERSION}</version>") == 2


def test_a_closed_port_serves_nothing() -> None:
    """The probe returns False instead of raising."""
    assert not probe.serves("127.0.0.1", free_port())


def test_a_jvm_takes_classes_from_the_archive(kafka: str) -> None:
    """The first broker creates it, and Kafka's tools share it."""
    tool = [*jars.jvm("-Xlog:class+load"), "kafka.tools.StorageTool", "random-uuid"]
    done = subprocess.run(tool, capture_output=True, text=True, check=True, timeout=60)

    assert "org.apache.kafka.common.config.AbstractConfig source: shared objects file (top)" in done.stdout


@pytest.fixture
def some_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use other jars, for which no archive exists."""
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "kafka_2.13-x.jar").touch()
    monkeypatch.setattr(jars, "jars", lambda: folder)
    return folder


def test_two_that_need_the_archive_make_it_once(some_jars: Path) -> None:
    """The second waits for the first."""
    made: list[Path] = []

    def record(into: Path) -> bool:
        made.append(into)
        if not second.is_alive():
            second.start()
        second.join(0.2)  # that would be long enough to make a second archive
        return into.write_text("classes") > 0

    second = Thread(target=jars.make_archive_once, args=[record])
    jars.make_archive_once(record)
    second.join()

    assert len(made) == 1
    assert jars.archive_file().read_text() == "classes"
    assert f"-XX:SharedArchiveFile={jars.archive_file()}" in jars.jvm()


def test_a_broken_archive_is_neither_taken_nor_made_again(some_jars: Path) -> None:
    """A killed JVM leaves a partial archive, on which the next JVM would crash."""

    def record(into: Path) -> bool:
        into.write_text("a part")
        return False

    jars.make_archive_once(record)
    jars.make_archive_once(lambda _: pytest.fail("a second try"))

    assert not any("SharedArchive" in word for word in jars.jvm())


def test_other_jars_have_another_archive(some_jars: Path) -> None:
    """The name depends on the jars."""
    before = jars.archive_file()

    (some_jars / "kafka_2.13-x.jar").write_text("changed")

    assert jars.archive_file() != before
