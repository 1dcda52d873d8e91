"""Surroundings that do not fit: each process refuses to start, exits non-zero, and says what to do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from deploy.devstack.stack import answers_200
from ingest.errors import EX_CONFIG
from kernel.broken import Broken
from processors.runners.faust_app import check_versions
from runtime.secret_making import make_embedded_secrets
from tests.support.rigs.installation import Installation
from tests.support.rigs.projector_rig import PARTITIONS, Line
from tests.support.rigs.projector_rig import ended as end_of
from tests.support.strategies import log_of, one_event
from tests.support.waiting import eventually

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
@pytest.mark.parametrize(("database", "table"), [("crewkit", "generations"), ("crewkit_g1", "tasks")])
def test_tables_of_a_newer_version_that_do_more_than_add_are_refused(line: Line, database: str, table: str) -> None:
    """A projector writes to tables that have all it knows; `provision` of an older version has nothing to do there."""
    newer = f"{database} has migration 999, newer than this code"
    line.query(FROM_TOMORROW.format(database=database))
    line.query(f"ALTER TABLE {database}.{table} ADD COLUMN mood String")
    try:
        without = f"{newer}, and column mood of {table} was added without a default"
        refused(line.finish("processors", "--instance", "0"), without, "run the version that made it")
        refused(line.finish("provision", "--partitions", "2"), newer, "run the version that made it")
    finally:
        line.query(f"ALTER TABLE {database}.{table} DROP COLUMN mood")
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


def _refused_start(up: Installation) -> str:
    """What it says while it ends by itself, with 1 and no trace."""
    up.spawn()
    assert up.process is not None
    assert up.process.wait(timeout=60) == 1
    said = (up.data / "up.out").read_text()
    assert "Traceback" not in said
    return said


@pytest.mark.fault(row=24)
def test_up_refuses_tables_of_a_newer_version(tmp_path: Path) -> None:
    """An older `up` on the folder of a newer one; the tables stay as they are."""
    up = Installation("up", tmp_path / "up")
    up.start()
    assert up.stop() == 0
    _from_tomorrow(up.data / "store")

    assert "crewkit_g1 has migration 999, newer than this code: run the version that made it" in _refused_start(up)


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


RUN = (("ingest", "--port", "0"), ("serve", "--port", "0"), ("processors", "--instance", "0"))
MADE_WITH = ("--partitions", str(PARTITIONS), "--replication", "1")


@pytest.fixture
def strangers(tmp_path: Path) -> str:
    """The secrets of another installation."""
    make_embedded_secrets(tmp_path / "strangers")
    return str(tmp_path / "strangers")


def sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ended at once with 1 and one sentence, after what else it may log."""
    refused(done, *words)
    assert done.stderr.count("refus") == 1


@pytest.mark.kafka
@pytest.mark.fault(row=28)
@pytest.mark.parametrize(("name", "value"), [("retention.ms", "604800000"), ("cleanup.policy", "compact")])
async def test_a_topic_that_begins_to_lose_records_is_refused(line: Line, name: str, value: str) -> None:
    """By everything that starts, whoever changed it; the message has the line that mends it."""
    await line.set_topic({name: value})
    try:
        for command in (*RUN, ("provision",)):
            sentence(line.finish(*command), f"has {name}={value}", "run `kafka-configs.sh", f"--add-config {name}=")
    finally:
        await line.set_topic({})


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_too_few_brokers_for_three_copies_are_refused(line: Line) -> None:
    """Without `--replication 1` nothing is made, so a process that starts finds no topic."""
    elsewhere = {"LOG_URL": f"kafka://{line.bootstrap}/of-three"}

    sentence(line.finish("provision", "--partitions", "2", **elsewhere), "can't keep 3 copies", "nothing was made")
    sentence(line.finish("ingest", "--port", "0", **elsewhere), "of-three does not exist")


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_another_partition_count_in_the_environment_is_refused(line: Line) -> None:
    """Which needs none: the count is recorded."""
    for command in (*RUN, ("provision",)):
        sentence(line.finish(*command, PARTITIONS="5"), "told of 5 partitions", "made with 2", "set PARTITIONS back")


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_secrets_of_another_installation_are_refused(line: Line, strangers: str) -> None:
    """By all who have secrets; the message says where the fingerprint is, and what to bring back."""
    for command in (("ingest", "--port", "0"), ("serve", "--port", "0"), ("query-api", "--port", "0"), ("provision",)):
        sentence(line.finish(*command, SECRETS=strangers), f"secrets in {strangers} are not those", "bring back")


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_a_store_of_another_installation_is_refused(line: Line, strangers: str) -> None:
    """A projector has no secrets, but sees that log and store were not made together."""
    theirs = {
        "STORE_URL": f"{line.env['STORE_URL']}/theirs",
        "LOG_URL": f"kafka://{line.bootstrap}/{line.topic}.theirs",
    }
    assert line.finish("provision", *MADE_WITH, SECRETS=strangers, **theirs).returncode == 0

    mixed = line.finish("processors", "--instance", "0", STORE_URL=theirs["STORE_URL"])

    sentence(mixed, "theirs.installation of the store belongs to another installation", "check STORE_URL and LOG_URL")


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_missing_secrets_are_refused_and_not_made(line: Line, tmp_path: Path) -> None:
    """A volume that is empty, or mounted somewhere else."""
    for command in (("ingest", "--port", "0"), ("query-api", "--port", "0"), ("provision",)):
        done = line.finish(*command, SECRETS=str(tmp_path / "empty"))

        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
        assert "seed.key is not there" in done.stderr or "id.keys is not there" in done.stderr
        assert "crewkit-sessions secrets make" in done.stderr
    assert not (tmp_path / "empty").exists()


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_a_read_side_that_started_before_its_store_compares_as_soon_as_it_can(kafka: str, tmp_path: Path) -> None:
    """It may start while the store is away, with a port that answers; with other secrets it ends when it is back."""
    line = Line(kafka, tmp_path / "line")
    line.folder.mkdir(mode=0o700)
    try:
        store = line.start_store()
        store.terminate()
        assert end_of(store) == 0
        make_embedded_secrets(tmp_path / "strangers")
        ours, theirs = (Installation("query-api", tmp_path / name) for name in ("ours", "theirs"))
        for service, secrets in ((ours, line.folder / "secrets"), (theirs, tmp_path / "strangers")):
            service.environment |= line.env | {"SECRETS": str(secrets)}
            service.spawn()
            eventually(lambda port=service.port: answers_200("127.0.0.1", port, "/livez"), within_s=60)
        line.run("store-server", "--host", "127.0.0.1", "--port", str(line.port))

        assert theirs.process is not None
        assert theirs.process.wait(timeout=60) == EX_CONFIG
        assert "crewkit-sessions stops: the secrets in" in (theirs.data / "query-api.out").read_text()
        eventually(lambda: answers_200("127.0.0.1", ours.port, "/readyz"), within_s=60)
        assert ours.stop() == 0
    finally:
        line.end()


@pytest.mark.fault(row=28)
def test_up_refuses_a_folder_whose_secrets_were_replaced(tmp_path: Path) -> None:
    """Its ids would be unknown, and other ones would be made for the same events; with its own it starts again."""
    up = Installation("up", tmp_path / "up")
    up.start()
    assert up.stop() == 0
    seed = up.data / "secrets" / "seed.key"
    own = seed.read_text()
    seed.write_text("ab" * 32)

    assert "are not those of this installation" in _refused_start(up)
    seed.write_text(own)
    up.start()
    assert up.stop() == 0
