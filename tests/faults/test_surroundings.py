"""Surroundings that do not fit: each process refuses to start, exits non-zero, and says what to do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from strategies import log_of, one_event
from support.installation import Installation
from support.line import Line
from support.line import ended as end_of

from processors.errors import Broken
from processors.faust_app import check_versions

FROM_TOMORROW = "INSERT INTO {database}.migrations (number, name, sha256) VALUES (999, '0999_tomorrow.sql', '')"


@pytest.fixture(scope="module")
def line(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line that nobody projects; each test leaves it as it was."""
    line = Line(kafka, tmp_path_factory.mktemp("line"))
    line.start_store()
    yield line
    line.end()


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ended with 1, and one sentence that holds these words."""
    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.kafka
@pytest.mark.fault(row=24)
def test_faust_without_its_compiled_stream_is_refused(line: Line) -> None:
    """The one in Python acknowledges what it skips."""
    refused(line.finish("processors", "--instance", "0", NO_CYTHON="1"), "compiled stream", "install its wheel")


@pytest.mark.fault(row=24)
def test_an_old_aiokafka_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It loses records when a group is rebalanced."""
    check_versions()
    monkeypatch.setattr(aiokafka, "__version__", "0.13.1")

    with pytest.raises(Broken, match=r"aiokafka >= 0\.14 .*needed: run `make setup`"):
        check_versions()


@pytest.mark.kafka
@pytest.mark.fault(row=24)
def test_a_topic_that_is_missing_is_refused(line: Line) -> None:
    """By who writes to it and by who reads it; `provision` makes it."""
    elsewhere = {"LOG_URL": f"kafka://{line.bootstrap}/nowhere"}

    for command in (("processors", "--instance", "0"), ("ingest", "--port", "0")):
        refused(line.finish(*command, **elsewhere), "nowhere does not exist", "`provision` makes it")


@pytest.mark.kafka
@pytest.mark.fault(row=24)
def test_another_partition_count_is_refused_by_ingest(line: Line) -> None:
    """A session's records would be in two partitions."""
    refused(line.finish("ingest", "--port", "0", PARTITIONS="5"), "2 partitions", "set PARTITIONS back")


@pytest.mark.kafka
@pytest.mark.fault(row=24)
@pytest.mark.parametrize("database", ["crewkit", "crewkit_g1"])
def test_tables_of_a_newer_version_are_refused(line: Line, database: str) -> None:
    """Rows go in column by column, so a projector writes to the tables that it knows, or not at all."""
    line.query(FROM_TOMORROW.format(database=database))
    try:
        for command in (("processors", "--instance", "0"), ("provision", "--partitions", "2")):
            refused(line.finish(*command), f"{database} has migration 999", "run the version that made it")
    finally:
        line.query(f"DELETE FROM {database}.migrations WHERE number = 999")


@pytest.mark.kafka
@pytest.mark.fault(row=24)
def test_tables_of_an_older_version_are_refused(line: Line) -> None:
    """`provision` brings them up to date."""
    (newest,) = line.query("SELECT number, name, sha256 FROM migrations ORDER BY number DESC LIMIT 1")
    line.query(f"DELETE FROM migrations WHERE number = {newest[0]}")
    try:
        refused(line.finish("processors", "--instance", "0"), f"lacks migration {newest[1]}", "provision` first")
    finally:
        line.query(f"INSERT INTO migrations (number, name, sha256) VALUES {newest}")


@pytest.mark.fault(row=24)
def test_up_refuses_tables_of_a_newer_version(tmp_path: Path) -> None:
    """An older `up` on the folder of a newer one; the tables stay as they are."""
    up = Installation("up", tmp_path / "up")
    up.start()
    assert up.stop() == 0
    _from_tomorrow(up.data / "store")

    up.spawn()

    assert up.process is not None
    assert up.process.wait(timeout=60) == 1
    said = (up.data / "up.out").read_text()
    assert "crewkit_g1 has migration 999, newer than this code: run the version that made it" in said
    assert "Traceback" not in said


def _from_tomorrow(store: Path) -> None:
    """In a process of its own: a process can open the engine on one directory only."""
    script = (
        "import sys, clickhouse_connect\n"
        "clickhouse_connect.get_client(interface='chdb', path=sys.argv[1]).command(sys.argv[2])"
    )
    statement = FROM_TOMORROW.format(database="crewkit_g1")
    subprocess.run([sys.executable, "-c", script, str(store), statement], check=True, timeout=60)


@pytest.mark.kafka
@pytest.mark.fault(row=24)
async def test_offsets_committed_beyond_the_end_of_the_log_are_refused(kafka: str, tmp_path: Path) -> None:
    """Faust would drop every new record below them, silently: measured on a log that had lost its tail."""
    line = Line(kafka, tmp_path)
    line.start_store()
    try:
        (record,) = log_of([one_event(1)])
        await line.send([record])
        place = TopicPartition(line.topic, record.partition)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=f"{line.topic}.g1", enable_auto_commit=False)
        await consumer.start()
        consumer.assign([place])
        await consumer.commit({place: OffsetAndMetadata(7, "")})
        await consumer.stop()

        worker = line.worker()

        assert end_of(worker, within_s=60) == 1
        said = (tmp_path / "processors.log").read_text()
        assert f"has committed offset 7 of partition {record.partition}, but the log ends at 1" in said
        assert "Restore it, or project into a new generation" in said
    finally:
        line.end()
