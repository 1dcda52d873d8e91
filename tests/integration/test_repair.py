"""The projecting process repairs wrong tables from the log and the facts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import clickhouse_connect
import pytest

from audit.repair import Repair, Repaired
from processors.fold.fold import FOLD_VERSION
from processors.marks.gaps import runs
from schemas.log.position import LogRecord
from store.generations import Generation
from store.reading.reader import ClickHouseReader
from tests.support.builders import MINUTE_MS, T0, LogBuilder, changed, created, ended, hook, recorded, reported, usage
from tests.support.builders import session_id as named
from tests.support.rigs.projected import project
from tests.support.rigs.projection import new_pipeline, settle, tables
from tests.support.rigs.store import TestStore

FIRST = "(SELECT session_id FROM {db}.sessions FINAL ORDER BY session_id LIMIT 1)"
BUSIEST = "(SELECT max(bucket) FROM {db}.rollups WHERE seconds = 900)"
DAMAGES = {
    "receipts are gone": ["DELETE FROM {db}.receipts WHERE log_offset % 7 = 1"],
    "a stretch is gone": [f"DELETE FROM {{db}}.{t} WHERE log_offset BETWEEN 2 AND 4" for t in ("facts", "receipts")],
    "nothing but facts is left": [f"TRUNCATE TABLE {{db}}.{t}" for t in ("sessions", "amounts", "tasks", "rollups")],
    "everything is gone": [
        f"TRUNCATE TABLE {{db}}.{t}"
        for t in ("facts", "sessions", "amounts", "tasks", "rollups", "receipts", "dead_letters")
    ],
    "a fact is gone": ["DELETE FROM {db}.facts WHERE event_id = (SELECT min(event_id) FROM {db}.facts)"],
    "a session is gone": [f"DELETE FROM {{db}}.sessions WHERE session_id = {FIRST}"],
    "a session claims too much": [
        (
            "INSERT INTO {db}.sessions SELECT * REPLACE (events + 1 AS events, version + 50 AS version)"
            f" FROM {{db}}.sessions FINAL WHERE session_id = {FIRST}"
        )
    ],
    "a session is in two hours": [
        (
            "INSERT INTO {db}.sessions SELECT * REPLACE (started_hour - 3600 AS started_hour)"
            f" FROM {{db}}.sessions FINAL WHERE session_id = {FIRST}"
        )
    ],
    "a session has no facts": [
        (
            "INSERT INTO {db}.sessions SELECT * REPLACE (toUUID('00000000-0000-4000-8000-000000000001') AS session_id)"
            " FROM (SELECT * FROM {db}.sessions FINAL LIMIT 1)"
        )
    ],
    "a bucket is altered": [
        (
            "INSERT INTO {db}.rollups SELECT * REPLACE (cost_nano + 1 AS cost_nano, version + 9 AS version)"
            f" FROM {{db}}.rollups FINAL WHERE seconds = 900 AND bucket = {BUSIEST}"
        )
    ],
    "days are gone": ["DELETE FROM {db}.rollups WHERE seconds = 86400"],
    "a nano-dollar is in another bucket": [
        (
            "INSERT INTO {db}.amounts SELECT * REPLACE (bucket - 900 AS bucket, [] AS tools, 0 AS prompts,"
            " arrayMap(one -> (one.1, 0, 0, 0, 0, 0, 1), arraySlice(models, 1, 1)) AS models, 0 AS lines_added)"
            " FROM {db}.amounts FINAL WHERE notEmpty(models) LIMIT 1"
        )
    ],
    "amounts are gone": [f"DELETE FROM {{db}}.amounts WHERE session_id = {FIRST}"],
}
TWICE = {"receipts are gone", "a stretch is gone", "a fact is gone", "a session is gone"}
Tables = dict[str, list[tuple[object, ...]]]


def worked_on() -> LogBuilder:
    """Return a log of eight sessions, with all kinds of facts, a resent batch and a dead letter."""
    log = LogBuilder(seed=7)
    for n in range(8):
        session = named(n)
        log.add(created(session, agent_name=f"agent{n % 3}"))
        for i in range(3):
            events = [hook("PreToolUse", at=T0 + i * MINUTE_MS, tool_name="Bash", tool_use_id=f"t{i}{j}") for j in "ab"]
            log.add(recorded(session, *events))
        log.add(reported(session, usage(input_tokens=n, cost_nano=10**9 + n)))
        log.add(changed(session, project_id="moved")) if n % 2 else log.add(ended(session))
    log.add_bytes(b"not a record")
    return log


class Running:
    """A projector on a store, and its repair."""

    def __init__(self, store: TestStore, records: list[LogRecord]) -> None:
        self.store = store
        self.pipeline = new_pipeline(store, records)
        self.reader = ClickHouseReader(self._client, store.address.control)
        self.repair = Repair(
            self.pipeline, store.warehouse(), self.reader, Generation("g1", store.partitions, FOLD_VERSION)
        )

    async def project(self, records: list[LogRecord]) -> None:
        """Project and wait until it is written."""
        await self.pipeline.project(records)
        await settle(self.pipeline)

    def damage(self, statements: list[str]) -> None:
        """Make the tables wrong."""
        for statement in statements:
            self.store.client.command(statement.replace("{db}", self.store.database))

    def _client(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


@pytest.fixture(scope="module")
def everything(shared_store: TestStore) -> Tables:
    """Return the tables after all of `worked_on`."""
    project(shared_store, worked_on().records)
    return tables(shared_store)


@pytest.fixture
async def running(shared_store: TestStore) -> AsyncIterator[Running]:
    """Provide a projector that has projected most of `worked_on`."""
    shared_store.empty()
    records = worked_on().records
    made = Running(shared_store, records)
    for partition in range(shared_store.partitions):
        await made.pipeline.take_over(partition, 0)
    await made.project([record for record in records if record.offset < _all_but_one(records, record.partition)])
    yield made
    made.reader.close()


def _all_but_one(records: list[LogRecord], partition: int) -> int:
    return max(record.offset for record in records if record.partition == partition)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_was_made_wrong_is_made_right(everything: Tables, running: Running, damage: str) -> None:
    """After a repair every table is as before, and the projector continues as if nothing had happened.

    A replicated table drops a block that repeats an earlier one; it must not drop a second repair.
    """
    before = tables(running.store)
    for _ in range(2 if damage in TWICE else 1):
        running.damage(DAMAGES[damage])
        assert tables(running.store) != before

        await running.repair.run()

        assert tables(running.store) == before
    records = worked_on().records
    await running.project([record for record in records if record.offset == _all_but_one(records, record.partition)])
    assert tables(running.store) == everything


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("a session is gone", Repaired(sessions=1)),
        ("nothing but facts is left", Repaired(sessions=8)),
        ("a bucket is altered", Repaired(buckets=1)),
    ],
)
async def test_of_two_processes_each_repairs_its_share(running: Running, damage: str, expected: Repaired) -> None:
    """No process repeats another's repair: otherwise readers would miss a bucket meanwhile."""
    before = tables(running.store)
    records = worked_on().records
    other = Running(running.store, records)
    for partition in range(0, running.store.partitions, 2):
        await other.pipeline.take_over(partition, _all_but_one(records, partition))
        running.pipeline.release([partition])
    running.damage(DAMAGES[damage])

    one, two = await asyncio.gather(running.repair.run(), other.repair.run())

    assert (one.sessions + two.sessions, one.buckets + two.buckets) == (expected.sessions, expected.buckets)
    assert tables(running.store) == before
    other.reader.close()


async def test_only_what_is_missing_is_projected_again(running: Running) -> None:
    """A lost receipt costs its record and the later ones of its session, not all later records."""
    running.damage(["DELETE FROM {db}.receipts WHERE log_partition = 1 AND log_offset = 0"])
    of_session = running.store.rows(
        "SELECT count() AS n FROM {db}.facts WHERE session_id = (SELECT any(session_id) FROM {db}.facts"
        " WHERE log_partition = 1 AND log_offset = 0) AND log_offset >= 0"
    )[0]["n"]
    stored = running.store.rows("SELECT count() AS n FROM {db}.facts")[0]["n"]

    repaired = await running.repair.run()

    assert repaired == Repaired(positions=1)
    assert running.store.rows("SELECT count() AS n FROM {db}.facts")[0]["n"] <= stored + of_session


async def test_a_sound_installation_is_left_alone(running: Running) -> None:
    """A repair of correct tables writes nothing."""
    before = running.store.rows("SELECT count() AS n FROM {db}.sessions")

    assert await running.repair.run() == Repaired()
    assert running.store.rows("SELECT count() AS n FROM {db}.sessions") == before


def test_offsets_join_into_stretches() -> None:
    """Consecutive offsets are read together."""
    assert runs([1, 2, 3, 7, 9, 10]) == [(1, 4), (7, 8), (9, 11)]
    assert runs([]) == []
