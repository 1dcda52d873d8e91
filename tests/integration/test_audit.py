"""The audit on the real engine, over tables that the real pipeline filled: it finds every error and no other."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import clickhouse_connect
import httpx
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from litestar.testing import TestClient

from audit import slices
from audit.recount import Recount
from audit.recount_questions import DayRow
from audit.slices import days_asked
from cli import audit
from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from processors.observer import Observers
from processors.progress import Progress
from query_api.freshness import Freshness
from query_api.read_context import ReadContext
from query_api.reader import ClickHouseReader
from runtime.composition import ReadSide, compose
from schemas.ids import IdSecrets
from schemas.log.position import LogRecord
from schemas.permissions import OPERATOR_ORG, Role
from tests.support.builders import (
    HOUR_MS,
    MINUTE_MS,
    ORG,
    T0,
    LogBuilder,
    changed,
    created,
    ended,
    hook,
    recorded,
    reported,
    usage,
)
from tests.support.builders import session_id as named
from tests.support.clients.in_process import in_process
from tests.support.rigs.projection import Crash, CrashingWarehouse, new_pipeline
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS, logs

KEY = b"a secret of at least 32 bytes, for tests"
OTHER = "globex"
TYPES = (
    *("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "UserPromptSubmit", "PreCompact"),
    *("TaskCreated", "TaskCompleted", "SubagentStart", "Stop", "BrandNewEvent"),
)


def worked_on(seed: int = 1, sessions: int = 10) -> LogBuilder:
    """Return a log of two orgs over two days: all kinds of facts, resent batches, changed dimensions, some poison."""
    log = LogBuilder(seed=seed)
    for n in range(sessions):
        org = (ORG, OTHER)[n % 2]
        session = named(n, org)
        log.add(created(session, org_id=org, agent_name=f"agent{n % 3}", started_at=T0 - n * 5 * HOUR_MS))
        for _ in range(3):
            batch = recorded(session, *some_events(log), org_id=org)
            log.add(batch, batch)
        log.add(reported(session, usage(input_tokens=n, cost_nano=10**9 + n), usage("other"), org_id=org))
        log.add(changed(session, org_id=org, project_id="moved")) if n % 3 else log.add(ended(session, org_id=org))
    log.add_bytes(b"not a record")
    return log


def some_events(log: LogBuilder) -> list[Any]:
    """Draw hook events with few ids, so that ids repeat."""
    draw = log.random
    return [
        hook(
            draw.choice(TYPES),
            at=T0 + draw.randrange(60) * MINUTE_MS,
            event_id=log.uuid(),
            tool_name="Bash",
            **{name: draw.choice(("", "a", "b", "c")) for name in ("tool_use_id", "task_id", "agent_id")},
        )
        for _ in range(8)
    ]


class Operations:
    """The routes under test over a store, and the projector that fills it."""

    def __init__(self, store: TestStore) -> None:
        self.store = store
        self.reader = ClickHouseReader(self._client, store.address.control)
        verifier = TokenVerifier([shared_secret(KEY)])
        self.app = compose(verifier, read=ReadSide(self.reader, IdSecrets((b"k" * 16,), b"s" * 16)))

    async def project(self, records: list[LogRecord]) -> None:
        """Project these records and report the position."""
        observers = Observers()
        pipeline = new_pipeline(self.store, records, observers=observers)
        progress = Progress(pipeline, self.store.warehouse(), pipeline._gaps._reader, lambda: T0)
        observers.add(progress)
        await progress.look()
        await pipeline.project(records)
        await pipeline.drain()

    async def get(self, path: str, org: str = OPERATOR_ORG, role: Role = "operator", **params: str) -> httpx.Response:
        """GET ``/api/v1/<path>``."""
        async with in_process(self.app, headers=token(org, role)) as client:
            return await client.get(f"/api/v1/{path}", params=params)

    async def data(self, path: str, org: str = OPERATOR_ORG, role: Role = "operator", **params: str) -> Any:
        """Return the ``data`` of a success."""
        reply = await self.get(path, org, role, **params)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    def empty(self) -> None:
        """Empty all tables."""
        self.store.empty()
        self.alter("TRUNCATE TABLE {db}.progress")

    def alter(self, statement: str) -> None:
        """Make the tables wrong."""
        self.store.client.command(statement.replace("{db}", self.store.database))

    def one(self, sql: str) -> Any:
        """Return the first column of the first row."""
        return next(iter(self.store.rows(sql)[0].values()))

    def _client(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


def token(org: str, role: Role) -> dict[str, str]:
    """Return the header of a caller."""
    return {"Authorization": f"Bearer {issue_token(KEY, 'alice', org, role, 600, time.time())}"}


@pytest.fixture
def operations(store: TestStore) -> Iterator[Operations]:
    """Provide the routes over an empty store."""
    running = Operations(store)
    yield running
    running.reader.close()


@pytest.fixture(scope="module")
def reused(shared_store: TestStore) -> Iterator[Operations]:
    """Provide the routes over a store that each test empties, which is faster than a new one."""
    running = Operations(shared_store)
    yield running
    running.reader.close()


@pytest.fixture(scope="module")
def drawn(engine: Options) -> Iterator[Operations]:
    """Provide the routes over a store for logs that hypothesis draws."""
    for store in new_store(new_address(engine), PARTITIONS):
        running = Operations(store)
        yield running
        running.reader.close()


@pytest.fixture
async def filled(operations: Operations) -> Operations:
    """Provide the routes over a store into which `worked_on` was projected."""
    await operations.project(worked_on().records)
    return operations


def named_columns(found: Any) -> set[tuple[str, str]]:
    """Return (table, column) of the differences."""
    return {(difference["table"], difference["column"]) for difference in found["differences"]}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs())
def test_any_projected_log_is_found_equal_and_complete(drawn: Operations, log: list[LogRecord]) -> None:
    """For any log, a recount in SQL equals the fold, and every position has its receipt."""
    drawn.empty()
    asyncio.run(drawn.project(log))

    recount, coverage = asyncio.run(drawn.data("operator/recount")), asyncio.run(drawn.data("operator/coverage"))

    assert recount["differences"] == []
    assert recount["equal"]
    assert recount["moving"] == {"sessions": 0, "rollup_hourly": 0, "rollup_daily": 0}
    assert recount["compared"]["sessions"] == drawn.one("SELECT count() FROM {db}.sessions FINAL")
    assert (coverage["complete"], coverage["positions"]) == (True, len(log))


async def test_a_recount_says_how_much_it_compared(filled: Operations) -> None:
    """Its counts are those of the log, with each event once."""
    found = await filled.data("operator/recount")

    assert found["equal"]
    assert not found["truncated"]
    assert found["compared"]["sessions"] == 10
    assert found["compared"]["events"] == 10 * 3 * 8
    assert found["compared"]["rollup_hourly"] == filled.one("SELECT count() FROM {db}.rollup_hourly FINAL")
    assert found["compared"]["rollup_daily"] == filled.one("SELECT count() FROM {db}.rollup_daily FINAL")


async def test_how_a_recount_is_cut_changes_nothing(filled: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
    """By day, or with a day in several parts, it compares the same, each session once."""
    whole = await filled.data("operator/recount")
    monkeypatch.setattr(slices, "SESSIONS_PER_QUESTION", 2)
    monkeypatch.setattr(slices, "EVENTS_PER_QUESTION", 30)

    assert await filled.data("operator/recount") == whole


def test_days_are_taken_together_until_they_are_too_many() -> None:
    """A slice has as many days as fit; a day that is too large is split; every day is covered."""
    half = slices.EVENTS_PER_QUESTION // 2
    days = [DayRow(n * 86_400, 1, events) for n, events in enumerate((half, half, 1, 5 * half, 1))]

    cut = list(slices.slices(days, days_asked(None, None)))

    assert [(piece.since.day, piece.until.day, piece.parts) for piece in cut] == [
        (1, 3, 1),
        (3, 4, 1),
        (4, 5, 3),
        (5, 6, 1),
    ]


async def test_a_missing_receipt_is_a_gap(filled: Operations) -> None:
    """A position without a receipt is listed as [start, stop), in the middle and at the end of what is projected."""
    before = await filled.data("operator/coverage")
    end = before["partitions"][1]["end"]
    filled.alter(f"DELETE FROM {{db}}.receipts WHERE log_partition = 1 AND log_offset IN (2, 3, {end - 1})")

    after = await filled.data("operator/coverage")

    assert (before["complete"], before["missing"], before["partitions"][1]["gaps"]) == (True, 0, [])
    assert (after["complete"], after["missing"]) == (False, 3)
    assert after["partitions"][1]["gaps"] == [[2, 4], [end - 1, end]]
    assert sum(partition["dead"] for partition in before["partitions"]) == 1


async def test_a_partition_without_any_receipt_is_one_gap(filled: Operations) -> None:
    """A partition that is reported as projected needs receipts even if it has none at all."""
    end = (await filled.data("operator/coverage"))["partitions"][2]["end"]
    filled.alter("DELETE FROM {db}.receipts WHERE log_partition = 2")

    partition = (await filled.data("operator/coverage"))["partitions"][2]

    assert (partition["first"], partition["end"], partition["count"]) == (None, end, 0)
    assert (partition["missing"], partition["gaps"]) == (end, [[0, end]])


@pytest.mark.parametrize("table", ["rollup_hourly", "rollup_daily"])
async def test_a_rollup_that_was_altered_is_named(filled: Operations, table: str) -> None:
    """One nano-dollar too much in a newer version of a bucket is found, with both values."""
    newest = f"FROM {{db}}.{table} FINAL WHERE org_id = '{ORG}' ORDER BY bucket LIMIT 1"
    cost, version = filled.one(f"SELECT cost_nano {newest}"), filled.one(f"SELECT version {newest}")
    filled.alter(
        f"INSERT INTO {{db}}.{table} SELECT * REPLACE (version + 1 AS version, cost_nano + 1 AS cost_nano) {newest}"
    )

    found = await filled.data("operator/recount")

    assert not found["equal"]
    assert {wrong["table"] for wrong in found["differences"]} == {table}
    assert [(wrong["column"], wrong["stored"], wrong["recounted"]) for wrong in found["differences"]] == [
        ("version", version + 1, version),
        ("cost_nano", cost + 1, cost),
    ]


async def test_a_group_that_was_altered_is_named_with_its_dimensions(filled: Operations) -> None:
    """Wrong numbers in one group of a bucket are found even if the bucket's totals are right."""
    filled.alter(
        "INSERT INTO {db}.rollup_hourly SELECT * REPLACE (arrayMap(part -> tuple(part.1, part.2, part.3, 'mallory', "
        "part.5, part.6, part.7, part.8, part.9, part.10, part.11, part.12), model_groups) AS model_groups) "
        f"FROM {{db}}.rollup_hourly FINAL WHERE org_id = '{ORG}' AND notEmpty(model_groups) ORDER BY bucket LIMIT 1"
    )

    found = await filled.data("operator/recount")

    keys = [difference["key"] for difference in found["differences"]]
    assert named_columns(found) == {("rollup_hourly", "rows")}
    assert {(key["user_id"], key["model"]) for key in keys} == {
        (user, model) for user in ("alice", "mallory") for model in ("claude-sonnet-4-5", "other")
    }


async def test_a_session_that_was_altered_is_named(filled: Operations) -> None:
    """A session's wrong count is found against its facts, and its rollups against it."""
    session = named(0)
    filled.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (tool_calls + 7 AS tool_calls) "
        f"FROM {{db}}.sessions FINAL WHERE session_id = '{session}'"
    )

    found = await filled.data("operator/recount")

    assert named_columns(found) == {(name, "tool_calls") for name in ("sessions", "rollup_hourly", "rollup_daily")}
    (wrong,) = (difference for difference in found["differences"] if difference["table"] == "sessions")
    assert wrong["key"] == {"org_id": ORG, "session_id": str(session)}
    assert wrong["stored"] == wrong["recounted"] + 7


async def test_a_session_that_claims_missing_facts_is_named(filled: Operations) -> None:
    """A version beyond the settled position is a difference if the facts do not reach it."""
    filled.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (version + 1000 AS version) "
        f"FROM {{db}}.sessions FINAL WHERE session_id = '{named(0)}'"
    )

    found = await filled.data("operator/recount")

    assert ("sessions", "version") in named_columns(found)


async def test_an_event_that_was_lost_is_missed(filled: Operations) -> None:
    """A missing fact makes its session differ by the right number of events."""
    session = named(1, OTHER)
    filled.alter(
        "DELETE FROM {db}.facts WHERE event_id = (SELECT argMin(event_id, version) FROM {db}.facts "
        f"WHERE session_id = '{session}' AND event_type = 'Stop')"
    )

    found = await filled.data("operator/recount")

    (wrong,) = (difference for difference in found["differences"] if difference["column"] == "events")
    assert wrong["key"] == {"org_id": OTHER, "session_id": str(session)}
    assert wrong["stored"] - wrong["recounted"] == 1


async def test_a_session_that_was_lost_is_missed(filled: Operations) -> None:
    """Facts without a session are found, even if the request has only the days of the facts."""
    filled.alter(f"DELETE FROM {{db}}.sessions WHERE session_id = '{named(0)}'")

    found = await filled.data("operator/recount")
    elsewhere = await filled.data("operator/recount", start_date="2020-01-01", end_date="2020-01-31")

    missing = [difference for difference in found["differences"] if difference["table"] == "sessions"]
    assert [(wrong["key"]["session_id"], wrong["stored"], wrong["recounted"]) for wrong in missing] == [
        (str(named(0)), 0, 1)
    ]
    assert ("rollup_hourly", "sessions") in named_columns(found) or ("rollup_hourly", "rows") in named_columns(found)
    assert elsewhere["equal"]


async def test_a_recount_of_some_days_compares_these_alone(filled: Operations) -> None:
    """Other days are not read; an end before the start is refused."""
    day = filled.one("SELECT toString(toDate(min(started_hour))) FROM {db}.sessions")
    expected = filled.one(f"SELECT count() FROM {{db}}.sessions FINAL WHERE toDate(started_hour) = '{day}'")

    found = await filled.data("operator/recount", start_date=day, end_date=day)

    assert found["compared"]["sessions"] == expected < 10
    assert found["compared"]["rollup_daily"] <= 2
    assert (await filled.get("operator/recount", start_date=day, end_date="2001-01-01")).status_code == 422
    assert (await filled.get("operator/recount", start_date="1960-01-01")).status_code == 422


async def test_an_org_recounts_only_itself(filled: Operations) -> None:
    """Nothing of another org is counted or listed, and only its owners and admins may ask."""
    filled.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (prompts + 1 AS prompts) "
        f"FROM {{db}}.sessions FINAL WHERE session_id = '{named(1, OTHER)}'"
    )

    ours = await filled.data(f"{ORG}/ops/recount", ORG, "owner")
    theirs = await filled.data(f"{OTHER}/ops/recount", OTHER, "admin")

    assert ours["equal"]
    assert ours["compared"]["sessions"] == 5
    assert {difference["key"]["org_id"] for difference in theirs["differences"]} == {OTHER}
    assert (await filled.get(f"{ORG}/ops/recount", ORG, "manager")).status_code == 403
    assert (await filled.get("operator/recount")).status_code == 200
    for path in ("recount", "coverage", "freshness"):
        assert (await filled.get(f"operator/{path}", ORG, "owner")).status_code == 404
    assert (await filled.get(f"{ORG}/ops/recount", OTHER, "owner")).status_code == 404
    assert (await filled.get(f"{ORG}/ops/recount", OPERATOR_ORG, "operator")).status_code == 404


async def test_what_moves_is_no_difference(reused: Operations) -> None:
    """While a projector writes, every recount is equal; when it is idle, nothing is moving."""
    reused.empty()
    log = worked_on(sessions=12)
    pipeline = new_pipeline(reused.store, log.records)
    seen: list[Any] = []

    async def project() -> None:
        for start in range(0, len(log.records), 4):
            await pipeline.project(log.records[start : start + 4])
        await pipeline.drain()

    projecting = asyncio.create_task(project())
    while not projecting.done():
        seen.append(await reused.data("operator/recount"))
    await projecting
    rest = await reused.data("operator/recount")

    assert [found["differences"] for found in seen] == [[] for _ in seen]
    assert len(seen) > 2
    assert rest["equal"]
    assert rest["moving"] == {"sessions": 0, "rollup_hourly": 0, "rollup_daily": 0}
    assert rest["compared"]["sessions"] == 12


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(6))
async def test_a_batch_that_was_left_half_written_is_moving(reused: Operations, nth: int, after: bool) -> None:
    """A crash at any write shows no difference; after the batch comes again, nothing is moving."""
    reused.empty()
    records = worked_on(sessions=4).records
    await reused.project(records[:20])
    sound = reused.store.warehouse()
    dying = CrashingWarehouse(sound._connect, sound._control, sound._generation).crash_at(nth, after)
    pipeline = new_pipeline(reused.store, records, warehouse=dying)
    with pytest.raises(Crash):
        await (await pipeline.project(records[20:]))

    half_written = await reused.data("operator/recount")
    await reused.project(records)
    rest = await reused.data("operator/recount")

    assert half_written["differences"] == []
    if nth >= 2 and (nth, after) != (5, True):  # before, no fact may have been written; after, nothing is missing
        assert sum(half_written["moving"].values()) > 0
    assert rest["equal"]
    assert sum(rest["moving"].values()) == 0


@pytest.mark.parametrize("heals", [False, True])
async def test_a_difference_counts_when_a_second_reading_confirms_it(filled: Operations, heals: bool) -> None:
    """A rollup that is ahead only in the first reading was being written at that moment."""
    version = filled.one("SELECT max(version) FROM {db}.rollup_hourly") + 1_000
    filled.alter(
        f"INSERT INTO {{db}}.rollup_hourly SELECT * REPLACE ({version} AS version) "
        f"FROM {{db}}.rollup_hourly FINAL WHERE org_id = '{ORG}' ORDER BY bucket LIMIT 1"
    )

    async def pause() -> None:
        if heals:
            filled.alter(f"DELETE FROM {{db}}.rollup_hourly WHERE version = {version}")

    context = ReadContext(filled.reader, await Freshness(filled.reader).snapshot(), "")
    found = await Recount(context, None, days_asked(None, None), pause).run()

    assert found.equal == heals
    assert [(wrong.column, wrong.stored) for wrong in found.differences] == ([] if heals else [("version", version)])


async def test_receipts_are_seen_by_their_org_alone(filled: Operations) -> None:
    """For other orgs the position looks unwritten: waiting, without a time."""
    (ours,) = filled.store.rows(f"SELECT * FROM {{db}}.receipts WHERE org_id = '{ORG}' ORDER BY log_offset LIMIT 1")
    position = f"{ours['log_partition']}:{ours['log_offset']}"

    receipt = await filled.data(f"{ORG}/ops/receipts/{position}", ORG, "viewer")

    assert (receipt["outcome"], receipt["facts"], receipt["added"], receipt["reason"]) == ("projected", 1, 1, None)
    foreign = await filled.data(f"{OTHER}/ops/receipts/{position}", OTHER, "owner")
    unwritten = await filled.data(f"{OTHER}/ops/receipts/1:100000", OTHER, "owner")
    assert foreign == {**unwritten, "position": position}
    for org in (ORG, OTHER):
        assert (await filled.data(f"{org}/ops/receipts/1:100000", org, "member"))["outcome"] == "waiting"
        for unknown in ("9:1", "70000:1", "1", "1:", "a:b", "01:2", "1:-1", "1:99999999999999999999"):
            assert (await filled.get(f"{org}/ops/receipts/{unknown}", org, "owner")).status_code == 404


async def test_a_dead_record_says_why_to_the_org_that_it_names(operations: Operations) -> None:
    """Only the org in the record's bytes sees that it is dead, and why; for others it is waiting."""
    log = LogBuilder()
    (newer,) = log.add(created(named(0), v=2))
    garbage = log.add_bytes(b"garbage")
    await operations.project(log.records)

    receipt = await operations.data(f"{ORG}/ops/receipts/{newer.partition}:{newer.offset}", ORG, "member")

    assert (receipt["outcome"], receipt["reason"]) == ("dead", "version 2 is unknown here")
    for record, org in ((newer, OTHER), (garbage, ORG), (garbage, OTHER)):
        other = await operations.data(f"{org}/ops/receipts/{record.partition}:{record.offset}", org, "owner")
        assert (other["outcome"], other["reason"], other["received_at"]) == ("waiting", None, None)


async def test_freshness_is_that_of_the_oldest_partition(filled: Operations) -> None:
    """Lag counts waiting records; everything before the earliest `complete_through` is visible."""
    filled.alter("INSERT INTO {db}.progress VALUES (3, 1000, 1010, '2026-01-20 09:00:00.000')")

    found = await filled.data("operator/freshness")

    assert found["complete_through"] == "2026-01-20T09:00:00.000Z"
    assert found["lag_records"] == 10
    assert [partition["partition"] for partition in found["partitions"]] == [0, 1, 2, 3]
    assert found["partitions"][3]["age_seconds"] > 3600


@pytest.fixture
def command(filled: Operations, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs an audit command against the store, in this process."""

    class InProcess:
        def get(self, path: str, **params: Any) -> Any:
            with TestClient(filled.app) as client, redirect_stdout(StringIO()):  # where the service logs to
                return client.get(f"/api/v1{path}", params=params, headers=token(OPERATOR_ORG, "operator")).json()

    monkeypatch.setattr(audit, "open_installation", lambda *_: InProcess())

    def run(name: str, *options: str) -> Result:
        commands = {command.name: command for command in audit.COMMANDS}
        return CliRunner().invoke(commands[name], options)

    return run


def test_commands_end_with_one_clear_line(command: Any) -> None:
    """If all is well, each command says so in its last line and exits with 0."""
    last_lines = {}
    for name in ("freshness", "coverage", "recount"):
        result = command(name)
        assert result.exit_code == 0, result.output
        last_lines[name] = result.output.splitlines()[-1]

    assert last_lines["freshness"] == "freshness: complete through 2026-01-20T10:00:00.000Z, nothing waits"
    assert last_lines["coverage"].startswith("coverage: complete, 91 positions of 4 partitions")
    assert last_lines["recount"].startswith("recount: equal, 10 sessions with 240 events, 10 hours and ")


def test_commands_exit_with_1_for_what_is_wrong(command: Any, filled: Operations) -> None:
    """A gap or a difference is named with its remedy, and exits with 1."""
    filled.alter("DELETE FROM {db}.receipts WHERE log_partition = 1 AND log_offset = 2")
    filled.alter("INSERT INTO {db}.sessions SELECT * REPLACE (events + 1 AS events) FROM {db}.sessions FINAL LIMIT 1")

    coverage, recount = command("coverage"), command("recount")

    assert (coverage.exit_code, recount.exit_code) == (1, 1)
    assert "coverage: 1 missing of 91 positions of 4 partitions. Project them with --repair" in coverage.output
    assert "differences in rollup_daily, rollup_hourly, sessions" in recount.output


def test_json_is_the_only_output(command: Any) -> None:
    """With --json standard output has only the data."""
    for name in ("freshness", "coverage", "recount"):
        assert isinstance(json.loads(command(name, "--json").stdout), dict)


def test_wrong_usage_is_not_a_difference(command: Any) -> None:
    """Bad options exit with 2, before any request."""
    assert command("recount", "--start-date", "yesterday").exit_code == 2
    assert command("recount", "--start-date", "2026-01-02", "--end-date", "2026-01-01").exit_code == 2
    for name in ("freshness", "coverage", "recount"):
        assert "Example:" in command(name, "--help").output
