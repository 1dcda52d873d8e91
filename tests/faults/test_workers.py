"""Faults of single processes on a real broker and a real store: Faust workers and ingest, killed between steps."""

import contextlib
import json
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from processors.runners.bounded_stop import EXIT_BROKEN
from processors.runners.watchdog import EXIT_STUCK
from runtime.services.ports import free_ports
from schemas.log.position import LogRecord
from schemas.log.topics import record_key
from tests.support.builders import LogBuilder, changed, created, ended, hook, recorded, reported, usage
from tests.support.builders import session_id as named
from tests.support.clients.load import Load
from tests.support.oracles.checker import Checker
from tests.support.rigs.installation import Installation
from tests.support.rigs.projection import new_pipeline, settle, tables
from tests.support.rigs.projector_rig import PARTITIONS, ROLLED_UP, ProjectorRig, started_rig
from tests.support.rigs.projector_rig import ended as end_of
from tests.support.rigs.store import Options, new_address, new_store
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
STEPS = (
    *("folded", "wrote_facts", "wrote_sessions", "wrote_derivations", "wrote_receipts", "acknowledged"),
    *("refreshed_rollups", "moved_rollup_marks"),
)
ACCESS_DENIED = 497
FEW, MANY = 2, 25  # kills, of both workers together
WRITTEN_TWICE = "SELECT countIf(n > 1) FROM (SELECT count() AS n FROM receipts GROUP BY log_partition, log_offset)"
REBALANCES, GENERATION = "crewkit_projector_rebalances_total", "crewkit_projector_group_generation"
SAMPLES = Path(__file__).parents[1] / "contract" / "records"
SEED = random.randrange(1 << 20)


@pytest.fixture(autouse=True)
def _print_seed() -> None:
    """Print the seed, which pytest shows with a failure, so that the run can be repeated."""
    print(f"seed {SEED}")


@pytest.fixture
def rig(kafka: str, engine: Options, tmp_path: Path) -> Iterator[ProjectorRig]:
    """Provide a topic and tables on the shared store, for tests that break only workers."""
    with started_rig(kafka, tmp_path, new_address(engine)) as made:
        yield made


class SentLog:
    """A log that is sent to the topic in pieces."""

    def __init__(self, rig: ProjectorRig) -> None:
        self._rig, self._log, self._sent = rig, LogBuilder(PARTITIONS, SEED), 0
        self._sessions = 0

    async def send_sessions(self, sessions: int) -> int:
        """Send this many more sessions, their records interleaved; return the total number of records."""
        made = [named(f"{SEED}-{self._sessions + n}") for n in range(sessions)]
        self._sessions += sessions
        for session in made:
            self._log.add(created(session, agent_name=f"agent{self._sessions % 3}"))
        for i in range(3):
            for session in made:
                uses = [hook("PreToolUse", tool_name="Bash", tool_use_id=f"t{i}{j}") for j in "ab"]
                self._log.add(recorded(session, *uses, hook("UserPromptSubmit", prompt=f"prompt {i}")))
        for n, session in enumerate(made):
            self._log.add(reported(session, usage(input_tokens=n, cost_nano=10**9 + n)))
            self._log.add(ended(session) if n % 2 else changed(session, project_id="moved"))
        await self._rig.send(self.records[self._sent :])
        self._sent = len(self.records)
        return self._sent

    @property
    def records(self) -> list[LogRecord]:
        """Return all records sent."""
        return self._log.records


async def one_clean_pass(engine: Options, records: list[LogRecord]) -> dict[str, list[tuple[object, ...]]]:
    """Return the tables that a projector makes of a log in one undisturbed pass."""
    with contextlib.contextmanager(new_store)(new_address(engine), PARTITIONS) as store:
        pipeline = new_pipeline(store, records)
        await pipeline.project(records)
        await settle(pipeline)
        return tables(store)


@pytest.mark.fault(row=2)
async def test_a_worker_killed_at_each_step_leaves_the_tables_of_one_clean_pass(
    rig: ProjectorRig, engine: Options
) -> None:
    """After a kill at each write, acknowledgement and step of the rollups, the worker continues from there."""
    sent = SentLog(rig)
    for step in STEPS:
        await sent.send_sessions(sessions=4)
        worker = rig.worker(fail_point=f"projector.{step}:1:kill")
        assert end_of(worker, within_s=100) == -signal.SIGKILL, step

    count = await sent.send_sessions(sessions=4)
    worker = rig.worker()
    rig.await_projected(count)

    assert rig.tables() == await one_clean_pass(engine, sent.records)
    worker.terminate()
    assert end_of(worker) == 0


def run_until_killed(rig: ProjectorRig, instances: range, fail_point: str) -> None:
    """Run workers until the fail point has killed each of them.

    After a rebalance Faust may withhold a partition: the watchdog ends the worker, and a supervisor restarts it.
    """
    workers = {instance: rig.short_timeout_worker(instance, fail_point, STILL_S="20") for instance in instances}
    for instance, worker in workers.items():
        # One may get every partition before the other has joined; the other then waits for a session time-out.
        while (code := end_of(worker, within_s=100)) == EXIT_STUCK:
            worker = rig.short_timeout_worker(instance, fail_point, STILL_S="20")
        assert code == -signal.SIGKILL


@pytest.mark.fault(row=29)
@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.part("kills", instead=True))])
async def test_two_workers_killed_between_their_rollups_and_the_marks_lose_nothing(
    rig: ProjectorRig, engine: Options, kills: int
) -> None:
    """They share every bucket, and at each start scan everything beyond the marks; a mark never moves too early."""
    sent = SentLog(rig)
    for _ in range(kills // 2):
        await sent.send_sessions(sessions=2)
        run_until_killed(rig, range(2), "projector.refreshed_rollups:1:kill")
    assert rig.query(ROLLED_UP) == [(0,)]

    for n in range(2):
        rig.worker(n)
    rig.await_projected(len(sent.records))

    assert rig.tables() == await one_clean_pass(engine, sent.records)


@pytest.mark.fault(row=6)
async def test_a_paused_and_replaced_worker_does_no_harm_when_it_resumes(rig: ProjectorRig, engine: Options) -> None:
    """It is suspended between two writes of a batch, another worker projects more, then it writes the rest."""
    rig.query("SYSTEM STOP MERGES receipts")  # merges would hide that a receipt was written twice
    sent = SentLog(rig)
    count = await sent.send_sessions(sessions=8)
    sleeper = rig.short_timeout_worker(0, fail_point="projector.wrote_sessions:1:sleep=20")
    eventually(lambda: rig.query("SELECT count() FROM sessions") != [(0,)], within_s=60)
    sleeper.send_signal(signal.SIGSTOP)
    assert rig.query("SELECT count() FROM receipts") == [(0,)]

    rig.short_timeout_worker(1)
    rig.await_projected(count)
    count = await sent.send_sessions(sessions=8)
    rig.await_projected(count)
    sleeper.send_signal(signal.SIGCONT)
    count = await sent.send_sessions(sessions=4)
    rig.await_projected(count)
    # A receipt is written twice if the suspended worker finished its batch after resuming.
    eventually(lambda: rig.query(WRITTEN_TWICE) != [(0,)], within_s=60)

    assert rig.tables() == await one_clean_pass(engine, sent.records)


@pytest.mark.fault(row=7)
async def test_workers_that_join_and_leave_skip_nothing(rig: ProjectorRig, engine: Options) -> None:
    """In a series of rebalances, by a join, an orderly exit, a kill or a return, every record is projected."""
    endings = [signal.SIGTERM, signal.SIGKILL]
    random.Random(SEED).shuffle(endings)
    sent = SentLog(rig)
    running: dict[int, subprocess.Popen[bytes]] = {0: rig.short_timeout_worker(0)}
    for instance in (1, 0, 2, 1, 0):
        if instance in running:
            leaving = running.pop(instance)
            leaving.send_signal(endings.pop())
            end_of(leaving)
        else:
            running[instance] = rig.short_timeout_worker(instance)
        count = await sent.send_sessions(sessions=5)
        rig.await_projected(count - 20)
    rig.await_projected(count)

    assert rig.tables() == await one_clean_pass(engine, sent.records)


class WatchedWorker:
    """A worker with low limits that is restarted as by its supervisor, and its metrics."""

    def __init__(self, rig: ProjectorRig, **env: str) -> None:
        self._rig, self._env = rig, env
        self._port = free_ports(1)[0]
        self._http = httpx.Client(trust_env=False, verify=False, timeout=5)  # noqa: S501  # plain HTTP
        self.lives = 0
        self.ensure_running()

    def ensure_running(self) -> None:
        """Start the worker if it isn't running."""
        if self.lives == 0 or self._process.poll() is not None:
            self._process = self._rig.short_timeout_worker(0, METRICS_PORT=str(self._port), **self._env)
            self.lives += 1

    def highest(self, metric: str) -> float:
        """Return the highest value of a metric over all partitions; -1 if the metrics can't be read."""
        try:
            text = self._http.get(f"http://127.0.0.1:{self._port}/metrics").text
        except httpx.HTTPError:
            return -1
        found = re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return max(map(float, found), default=-1)

    def await_projected(self, count: int, within_s: float = 90) -> None:
        """Keep the worker running until this many records have their receipt, and their sessions are in the rollups."""

        def all_there() -> bool:
            self.ensure_running()
            return self._rig.has_projected(count)

        eventually(all_there, within_s=within_s)


@pytest.mark.fault(row=26)
@pytest.mark.parametrize("poll_interval_s", [None, pytest.param("4", marks=pytest.mark.part("kills"))])
async def test_a_long_outage_of_the_store_loses_nothing(
    projector_rig: ProjectorRig, engine: Options, poll_interval_s: str | None
) -> None:
    """The outage exceeds the session time-out, yet the worker stays in its group and keeps its partitions.

    If the poll interval is shorter than the outage, the worker leaves and rejoins the group, and loses nothing either.
    """
    sent = SentLog(projector_rig)
    # Batches are so small that the outage stops reading from the log.
    small = {"BATCH_RECORDS": "2", "STILL_S": "10"} | ({"POLL_INTERVAL_S": poll_interval_s} if poll_interval_s else {})
    worker = WatchedWorker(projector_rig, **small)
    worker.await_projected(await sent.send_sessions(sessions=2))
    rebalances, generation = worker.highest(REBALANCES), worker.highest(GENERATION)

    projector_rig.store.kill()
    projector_rig.store.wait()
    await sent.send_sessions(sessions=8)
    if poll_interval_s is None:
        eventually(lambda: worker.highest("crewkit_projector_unmoved_seconds") > 15, within_s=60)
    else:
        eventually(lambda: worker.highest("crewkit_projector_assigned_partitions") == 0, within_s=60)
    projector_rig.run_store()
    worker.await_projected(len(sent.records))
    worker.await_projected(await sent.send_sessions(sessions=2))

    if poll_interval_s is None:
        assert (worker.lives, worker.highest(REBALANCES), worker.highest(GENERATION)) == (1, rebalances, generation)
    else:
        assert worker.lives > 1 or worker.highest(GENERATION) > generation
    assert projector_rig.tables() == await one_clean_pass(engine, sent.records)


def await_flow(rig: ProjectorRig, worker: subprocess.Popen[bytes], count: int) -> None:
    """Wait until this many records of partition 0 have their receipt, or the worker has ended."""
    eventually(lambda: rig.receipts_of(0) >= count or worker.poll() is not None, within_s=60)


@pytest.mark.fault(row=27)
async def test_a_partition_that_faust_withholds_is_noticed_and_projected(rig: ProjectorRig, engine: Options) -> None:
    """Other partitions flow; the worker logs the stuck partition, exits with 70, and catches up when restarted."""
    sent = SentLog(rig)
    await sent.send_sessions(sessions=4)
    worker = rig.short_timeout_worker(0, STILL_S="8", WITHHELD="1")
    while worker.poll() is None:
        await sent.send_sessions(sessions=2)
        await_flow(rig, worker, sum(record.partition == 0 for record in sent.records))
    assert rig.receipts_of(1) == 0

    assert end_of(worker) == EXIT_STUCK
    said = re.search(r"stuck: partition=1 offset=0 end=\d+ seconds=(\d+);", (rig.folder / "processors.log").read_text())
    assert said is not None
    assert int(said[1]) >= 8
    rig.worker()
    rig.await_projected(len(sent.records))

    assert rig.tables() == await one_clean_pass(engine, sent.records)


@pytest.mark.fault(row=26)
@pytest.mark.parametrize("crashes", [True, False])
async def test_a_worker_whose_commit_is_never_answered_still_ends(
    projector_rig: ProjectorRig, engine: Options, crashes: bool
) -> None:
    """It exits with 1 after an error that an operator must fix, 70 after SIGTERM. The next one counts each once."""
    sent = SentLog(projector_rig)
    count = await sent.send_sessions(sessions=4)
    worker = projector_rig.short_timeout_worker(0, LOST_COMMITS="1", STOP_S="3")
    projector_rig.await_projected(count)
    if crashes:
        projector_rig.refusals.everything(ACCESS_DENIED)
        await sent.send_sessions(sessions=1)
    else:
        worker.terminate()

    assert end_of(worker) == (EXIT_BROKEN if crashes else EXIT_STUCK)
    assert "the projector's stop did not end within 3 s" in (projector_rig.folder / "processors.log").read_text()
    projector_rig.refusals.end()
    projector_rig.worker()
    projector_rig.await_projected(await sent.send_sessions(sessions=1))
    assert projector_rig.tables() == await one_clean_pass(engine, sent.records)


@pytest.mark.fault(row=1)
def test_ingest_killed_around_the_append_stores_what_is_sent_again_once(rig: ProjectorRig) -> None:
    """Killed before the send, after it, after the broker's response, and after the replies: each event is one row."""
    rig.worker()
    serve = Installation("serve", rig.folder)
    serve.environment |= rig.env
    with Load(lambda org: serve.client("member", org), ("acme", "globex"), SEED) as load:
        for point in ("before_append", "sent", "appended"):
            serve.die_at(f"ingest.{point}", random.Random(SEED).randint(2, 9))
        serve.start()
        load.more()
        serve.kill()
        serve.start()

    assert Checker(serve, load.journal).check() == {}
    assert load.journal.no_answer > 0
    assert serve.stop() == 0


@pytest.mark.fault(row=16)
async def test_records_of_every_version_and_of_none_are_projected_or_set_aside(rig: ProjectorRig) -> None:
    """The stored samples, the same with an unknown field, and unknown kinds and versions: none is lost.

    An erasure and what is left of an erased record, which have no actor, fit into no other log.
    """
    stored = [json.loads(file.read_bytes()) for file in sorted(SAMPLES.glob("*.json"))]
    samples = [sample for sample in stored if "actor" in sample]
    tomorrow = [{**sample, "from": "tomorrow", "actor": {**sample["actor"], "mood": 1}} for sample in samples]
    strange = [{**sample, key: value} for sample in samples for key, value in (("v", 99), ("kind", "session_dreamt"))]
    log = LogBuilder(PARTITIONS)
    for sample in (*samples, *tomorrow, *strange):
        log.add_bytes(msgspec.json.encode(sample), record_key(UUID(sample["session_id"])))
    await rig.send(log.records)

    rig.worker()
    rig.await_projected(len(log.records))

    outcomes = rig.query("SELECT outcome, count() FROM receipts FINAL GROUP BY outcome ORDER BY outcome")
    assert outcomes == [("dead", len(strange)), ("projected", len(samples) + len(tomorrow))]
    assert rig.query("SELECT count() FROM dead_letters FINAL") == [(len(strange),)]
