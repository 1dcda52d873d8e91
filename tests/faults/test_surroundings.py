"""A wrong environment: each process refuses to start, exits non-zero, and says what to do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from ingest.log.broken import EX_CONFIG
from processors.runners.faust_app import check_versions
from runtime.services.http_probe import answers_200
from runtime.settings.secret_making import make_embedded_secrets
from store.address import StoreAddress
from store.broken import Broken
from tests.support.rigs.installation import Installation
from tests.support.rigs.projector_rig import PARTITIONS, ProjectorRig, started_rig
from tests.support.rigs.projector_rig import ended as end_of
from tests.support.strategies import log_of, one_event
from tests.support.waiting import eventually

FROM_TOMORROW = "INSERT INTO {database}.migrations (number, name, sha256) VALUES (999, '0999_tomorrow.sql', '')"


@pytest.fixture(scope="module")
def projector_rig(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectorRig]:
    """Return a rig without a running projector; each test restores its state."""
    with started_rig(kafka, tmp_path_factory.mktemp("rig")) as rig:
        yield rig


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that the process exited with 1, and printed one sentence that contains these words."""
    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault(row=24)
def test_an_old_aiokafka_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old aiokafka loses records during a rebalance."""
    check_versions()
    monkeypatch.setattr(aiokafka, "__version__", "0.13.1")

    with pytest.raises(Broken, match=r"aiokafka >= 0\.14 .*needed: run `make setup`"):
        check_versions()


@pytest.mark.kafka
@pytest.mark.fault(row=24)
def test_a_topic_that_is_missing_is_refused(projector_rig: ProjectorRig) -> None:
    """Writers and readers refuse a missing topic; `provision` creates it."""
    elsewhere = {"LOG_URL": f"kafka://{projector_rig.bootstrap}/nowhere"}

    for command in (("processors", "--instance", "0"), ("ingest", "--port", "0")):
        assert_refused(projector_rig.finish(*command, **elsewhere), "nowhere does not exist", "`provision` creates it")


@pytest.mark.kafka
@pytest.mark.fault(row=24)
@pytest.mark.parametrize(("database", "table"), [("crewkit", "generations"), ("crewkit_g1", "tasks")])
def test_tables_of_a_newer_version_that_do_more_than_add_are_refused(
    projector_rig: ProjectorRig, database: str, table: str
) -> None:
    """A projector needs all columns that it knows, and defaults for others; old `provision` refuses newer tables."""
    newer = f"{database} has migration 999, newer than this code"
    projector_rig.query(FROM_TOMORROW.format(database=database))
    projector_rig.query(f"ALTER TABLE {database}.{table} ADD COLUMN mood String")
    try:
        without = f"{newer}, and column mood of {table} was added without a default"
        assert_refused(projector_rig.finish("processors", "--instance", "0"), without, "run the version that made it")
        assert_refused(projector_rig.finish("provision", "--partitions", "2"), newer, "run the version that made it")
    finally:
        projector_rig.query(f"ALTER TABLE {database}.{table} DROP COLUMN mood")
        projector_rig.query(f"DELETE FROM {database}.migrations WHERE number = 999")


@pytest.mark.kafka
@pytest.mark.fault(row=24)
def test_tables_of_an_older_version_are_refused(projector_rig: ProjectorRig) -> None:
    """`provision` brings older tables up to date."""
    (newest,) = projector_rig.query("SELECT number, name, sha256 FROM migrations ORDER BY number DESC LIMIT 1")
    projector_rig.query(f"DELETE FROM migrations WHERE number = {newest[0]}")
    try:
        assert_refused(
            projector_rig.finish("processors", "--instance", "0"), f"lacks migration {newest[1]}", "provision` first"
        )
    finally:
        projector_rig.query(f"INSERT INTO migrations (number, name, sha256) VALUES {newest}")


def _refused_start(up: Installation) -> str:
    """Return the output of a start that ended by itself, with 1 and no stack trace."""
    before = len((up.data / "up.out").read_text())
    up.spawn()
    assert up.process is not None
    assert up.process.wait(timeout=60) == 1
    said = (up.data / "up.out").read_text()[before:]
    assert "Traceback" not in said
    return said


@pytest.fixture(scope="module")
def stopped_up(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return an `up` that was started and stopped; each test restores what it changes."""
    up = Installation("up", tmp_path_factory.mktemp("stopped") / "up")
    up.start()
    assert up.stop() == 0
    return up


@pytest.mark.fault(row=24)
def test_up_refuses_tables_of_a_newer_version(stopped_up: Installation) -> None:
    """An older `up` refuses a newer version's folder, and leaves the tables unchanged."""
    _run_on(stopped_up, FROM_TOMORROW.format(database="crewkit_g1"))
    try:
        refused = _refused_start(stopped_up)
    finally:
        _run_on(stopped_up, "DELETE FROM crewkit_g1.migrations WHERE number = 999")

    assert "crewkit_g1 has migration 999, newer than this code: run the version that made it" in refused


def _run_on(up: Installation, statement: str) -> None:
    """Run a statement in another process, since a process can open the engine on only one directory."""
    script = (
        "import sys, clickhouse_connect\n"
        "clickhouse_connect.get_client(interface='chdb', path=sys.argv[1]).command(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", script, str(up.data / "store"), statement], check=True, timeout=60)


@pytest.mark.kafka
@pytest.mark.fault(row=24)
async def test_offsets_committed_beyond_the_end_of_the_log_are_refused(
    projector_rig: ProjectorRig, tmp_path: Path
) -> None:
    """Faust would silently drop every new record below the offset, as measured on a log that had lost its tail."""
    beyond = StoreAddress(projector_rig.address.options, "beyond")
    rig = ProjectorRig(projector_rig.bootstrap, tmp_path, store=beyond)
    rig.start_store()
    try:
        (record,) = log_of([one_event(1)])
        await rig.send([record])
        place = TopicPartition(rig.topic, record.partition)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=rig.bootstrap, group_id=f"{rig.topic}.beyond.g1", enable_auto_commit=False
        )
        await consumer.start()
        consumer.assign([place])
        await consumer.commit({place: OffsetAndMetadata(7, "")})
        await consumer.stop()

        worker = rig.worker()

        assert end_of(worker, within_s=60) == 1
        said = (tmp_path / "processors.log").read_text()
        assert f"has committed offset 7 of partition {record.partition}, but the log ends at 1" in said
        assert "Restore it, or project into a new generation" in said
    finally:
        rig.end()


RUN = (("ingest", "--port", "0"), ("serve", "--port", "0"), ("processors", "--instance", "0"))
MADE_WITH = ("--partitions", str(PARTITIONS), "--replication", "1")


@pytest.fixture
def foreign_secrets(tmp_path: Path) -> str:
    """Make the secrets of another installation."""
    make_embedded_secrets(tmp_path / "foreign")
    return str(tmp_path / "foreign")


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that the process ended at once with 1, and that its last line is one sentence with these words."""
    assert_refused(done, *words)
    assert f"\n{done.stderr}".count("\nError: ") == 1


@pytest.mark.kafka
@pytest.mark.fault(row=28)
@pytest.mark.parametrize(
    ("name", "value", "commands"),
    [("retention.ms", "604800000", (*RUN, ("provision",))), ("cleanup.policy", "compact", RUN[:1])],
)
async def test_a_topic_that_begins_to_lose_records_is_refused(
    projector_rig: ProjectorRig, name: str, value: str, commands: tuple[tuple[str, ...], ...]
) -> None:
    """Every process refuses at startup; the message contains the command that repairs the topic."""
    await projector_rig.set_topic({name: value})
    try:
        for command in commands:
            assert_one_sentence(
                projector_rig.finish(*command), f"has {name}={value}", "run `kafka-configs.sh", f"--add-config {name}="
            )
    finally:
        await projector_rig.set_topic({})


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_too_few_brokers_for_three_copies_are_refused(projector_rig: ProjectorRig) -> None:
    """Without `--replication 1` no topic is created, so no process finds one at startup."""
    elsewhere = {"LOG_URL": f"kafka://{projector_rig.bootstrap}/of-three"}

    assert_one_sentence(
        projector_rig.finish("provision", "--partitions", "2", **elsewhere),
        "can't keep 3 copies",
        "nothing was created",
    )
    assert_one_sentence(projector_rig.finish("ingest", "--port", "0", **elsewhere), "of-three does not exist")


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_another_partition_count_in_the_environment_is_refused(projector_rig: ProjectorRig) -> None:
    """With another count, a session's records would be in two partitions. It is optional: the count is recorded."""
    for command in (*RUN, ("provision",)):
        assert_one_sentence(
            projector_rig.finish(*command, PARTITIONS="5"),
            "configured for 5 partitions",
            "made with 2",
            "set PARTITIONS back",
        )


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_secrets_of_another_installation_are_refused(projector_rig: ProjectorRig, foreign_secrets: str) -> None:
    """Every process that has secrets refuses; the message says where the fingerprint is, and what to restore."""
    for command in (("ingest", "--port", "0"), ("serve", "--port", "0"), ("query-api", "--port", "0"), ("provision",)):
        assert_one_sentence(
            projector_rig.finish(*command, SECRETS=foreign_secrets),
            f"secrets in {foreign_secrets} are not those",
            "restore the original seed.key",
        )


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_a_store_of_another_installation_is_refused(projector_rig: ProjectorRig, foreign_secrets: str) -> None:
    """A projector has no secrets, but sees that log and store were not provisioned together."""
    server, _, _ = projector_rig.env["STORE_URL"].rpartition("/")
    theirs = {
        "STORE_URL": f"{server}/theirs",
        "LOG_URL": f"kafka://{projector_rig.bootstrap}/{projector_rig.topic}.theirs",
    }
    assert projector_rig.finish("provision", *MADE_WITH, SECRETS=foreign_secrets, **theirs).returncode == 0

    mixed = projector_rig.finish("processors", "--instance", "0", STORE_URL=theirs["STORE_URL"])

    assert_one_sentence(
        mixed, "theirs.installation of the store belongs to another installation", "check STORE_URL and LOG_URL"
    )


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_missing_secrets_are_refused_and_not_made(projector_rig: ProjectorRig, tmp_path: Path) -> None:
    """A volume for secrets may be empty, or mounted in the wrong place."""
    for command in (("ingest", "--port", "0"), ("query-api", "--port", "0"), ("provision",)):
        done = projector_rig.finish(*command, SECRETS=str(tmp_path / "empty"))

        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
        assert "seed.key is missing" in done.stderr or "id.keys is missing" in done.stderr
        assert "crewkit-sessions secrets make" in done.stderr
    assert not (tmp_path / "empty").exists()


@pytest.mark.kafka
@pytest.mark.fault(row=28)
def test_a_read_side_started_before_its_store_checks_its_secrets_once_the_store_is_up(
    projector_rig: ProjectorRig, foreign_secrets: str, tmp_path: Path
) -> None:
    """It starts and listens without the store; with wrong secrets it exits once the store is back."""
    projector_rig.store.terminate()
    assert end_of(projector_rig.store) == 0
    ours, theirs = (Installation("query-api", tmp_path / name) for name in ("ours", "theirs"))
    try:
        for service, secrets in ((ours, projector_rig.folder / "secrets"), (theirs, foreign_secrets)):
            service.environment |= projector_rig.env | {"SECRETS": str(secrets)}
            service.spawn()
            eventually(lambda port=service.port: answers_200("127.0.0.1", port, "/livez"), within_s=60)
    finally:
        projector_rig.run_store()

    assert theirs.process is not None
    assert theirs.process.wait(timeout=60) == EX_CONFIG
    assert "Error: the secrets in" in (theirs.data / "query-api.out").read_text()
    eventually(lambda: answers_200("127.0.0.1", ours.port, "/readyz"), within_s=60)
    assert ours.stop() == 0


@pytest.mark.fault(row=28)
def test_up_refuses_a_folder_whose_secrets_were_replaced(stopped_up: Installation) -> None:
    """Its ids would be invalid, and repeated events would get new ids; with its own secrets it starts again."""
    seed = stopped_up.data / "secrets" / "seed.key"
    own = seed.read_text()
    seed.write_text("ab" * 32)
    try:
        assert "are not those of this installation" in _refused_start(stopped_up)
    finally:
        seed.write_text(own)

    stopped_up.start()
    assert stopped_up.stop() == 0
