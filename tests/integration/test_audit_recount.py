"""The recount on the real engine, on tables that the real pipeline filled: it finds every error and no others."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from audit import slices
from audit.recount import INTERVALS, Recount
from audit.recount_questions import DayRow
from audit.slices import days_asked
from processors.projections import states
from query_api.freshness import Freshness
from query_api.read_context import ReadContext
from schemas.log.position import LogRecord
from schemas.permissions import OPERATOR_ORG
from tests.support.builders import ORG, LogBuilder, hook, recorded
from tests.support.builders import session_id as named
from tests.support.rigs.audited import OTHER, Operations, named_columns, worked_on
from tests.support.rigs.projection import Crash, CrashingWarehouse, new_pipeline, settle
from tests.support.strategies import logs, one_event

pytest_plugins = ["tests.support.rigs.audit_fixtures"]


@pytest.fixture(autouse=True)
def keeping_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the states of short sessions too."""
    monkeypatch.setattr(states, "FACTS_MIN", 2)


@pytest.fixture
def one_loop() -> Iterator[asyncio.Runner]:
    """Provide one event loop for all examples, as a service has: background work of a reader outlives a request."""
    with asyncio.Runner() as runner:
        yield runner


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs())
def test_any_projected_log_is_found_equal_and_complete(
    drawn: Operations, one_loop: asyncio.Runner, log: list[LogRecord]
) -> None:
    """For any log, a recount in SQL equals the fold, and every position has its receipt."""
    drawn.store.empty()
    one_loop.run(drawn.project(log))

    recount, coverage = (one_loop.run(drawn.data(f"operator/{name}")) for name in ("recount", "coverage"))

    assert recount["differences"] == []
    assert recount["equal"]
    assert recount["moving"] == {"sessions": 0, "amounts": 0, "rollup_quarters": 0, "rollup_days": 0}
    assert recount["compared"]["sessions"] == drawn.one("SELECT count() FROM {db}.sessions FINAL")
    assert (coverage["complete"], coverage["positions"]) == (True, len(log))


async def test_sums_beyond_any_column_stop_nothing_and_are_recounted(drawn: Operations) -> None:
    """Absurd events of one client wrap around its own sums; else they would stop the projector of every org."""
    drawn.store.empty()
    log, session = LogBuilder(drawn.store.partitions), named("absurd")
    most = {"input_tokens": 1 << 53, "cache_creation_1h_tokens": 1 << 53}
    hooks = [
        *(hook("ApiRequest", model="m", cost_usd=1_000_000, **most) for _ in range(2_100)),
        *(hook("ApiRequest", model="m", cost_usd=1_000_000) for _ in range(8_000)),
        *(hook("Measurement", name="lines_added", value=1 << 52) for _ in range(4_100)),
    ]

    await drawn.project(log.add(*(recorded(session, *hooks[i : i + 5_000]) for i in range(0, len(hooks), 5_000))))

    assert (await drawn.data("operator/recount"))["differences"] == []
    assert drawn.one("SELECT input_tokens FROM {db}.sessions FINAL") == 2_100 * (1 << 53) % (1 << 64)
    assert drawn.one("SELECT cost_nano FROM {db}.sessions FINAL") == -(1 << 62)  # cut off


async def test_a_recount_says_how_much_it_compared(filled: Operations) -> None:
    """Its counts equal the log's, with each event once."""
    found = await filled.data("operator/recount")

    assert found["equal"]
    assert not found["truncated"]
    assert found["compared"]["sessions"] == 10
    assert found["compared"]["events"] == 10 * 3 * 8
    assert found["compared"]["amounts"] == 10
    for name, seconds in INTERVALS.items():
        assert found["compared"][name] == filled.one(
            f"SELECT count() FROM {{db}}.rollups FINAL WHERE seconds = {seconds}"
        )


async def test_how_a_recount_is_cut_changes_nothing(filled: Operations, monkeypatch: pytest.MonkeyPatch) -> None:
    """By day, or with a day in several parts, it compares the same sessions, each once."""
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


@pytest.mark.parametrize("table", INTERVALS)
async def test_a_rollup_that_was_altered_is_named(filled: Operations, table: str) -> None:
    """One nano-dollar too much in a newer version of a bucket is found, with both values."""
    of_table = f"org_id = '{ORG}' AND seconds = {INTERVALS[table]}"
    newest = f"FROM {{db}}.rollups FINAL WHERE {of_table} ORDER BY bucket LIMIT 1"
    cost, version = filled.one(f"SELECT cost_nano {newest}"), filled.one(f"SELECT version {newest}")
    filled.alter(
        f"INSERT INTO {{db}}.rollups SELECT * REPLACE (version + 1 AS version, cost_nano + 1 AS cost_nano) {newest}"
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
        "INSERT INTO {db}.rollups SELECT * REPLACE (arrayMap(part -> tuple(part.1, part.2, part.3, 'mallory', "
        "part.5, part.6, part.7, part.8, part.9, part.10, part.11, part.12), model_groups) AS model_groups) "
        f"FROM {{db}}.rollups FINAL WHERE org_id = '{ORG}' AND seconds = 900 AND notEmpty(model_groups) ORDER BY bucket"
        " LIMIT 1"
    )

    found = await filled.data("operator/recount")

    keys = [difference["key"] for difference in found["differences"]]
    assert named_columns(found) == {("rollup_quarters", "rows")}
    assert {(key["user_id"], key["model"]) for key in keys} == {
        (user, model) for user in ("alice", "mallory") for model in ("claude-sonnet-4-5", "other")
    }


async def test_a_session_that_was_altered_is_named(filled: Operations) -> None:
    """A session's wrong count is found against its facts, and its amounts against it."""
    session = named(0)
    filled.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (tool_calls + 7 AS tool_calls) "
        f"FROM {{db}}.sessions FINAL WHERE session_id = '{session}'"
    )

    found = await filled.data("operator/recount")

    assert named_columns(found) == {(name, "tool_calls") for name in ("sessions", "amounts")}
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


@pytest.mark.parametrize("column", ["facts", "ids_high", "ids_low"])
async def test_a_kept_state_that_was_altered_is_named(operations: Operations, column: str) -> None:
    """A projector would continue from it, so it is compared with the facts that it covers."""
    log = LogBuilder(operations.store.partitions)
    await operations.project([*log.add(*map(one_event, range(4)))])
    assert (await operations.data("operator/recount"))["equal"]
    operations.alter(
        f"INSERT INTO {{db}}.session_states SELECT * REPLACE ({column} + 1 AS {column}) "
        "FROM {db}.session_states FINAL"
    )

    found = await operations.data("operator/recount")

    (wrong,) = found["differences"]
    assert (wrong["table"], wrong["column"]) == ("session_states", column)
    assert wrong["stored"] == wrong["recounted"] + 1


async def test_an_event_that_was_lost_is_missed(filled: Operations) -> None:
    """A missing fact makes its session differ by the right number of events."""
    session = named(1, OTHER)
    filled.alter(
        "DELETE FROM {db}.facts WHERE event_id = (SELECT argMax(event_id, place) FROM {db}.facts "
        f"WHERE session_id = '{session}' AND event_type = 'Stop')"
    )

    found = await filled.data("operator/recount")

    (wrong,) = (difference for difference in found["differences"] if difference["column"] == "events")
    assert wrong["key"] == {"org_id": OTHER, "session_id": str(session)}
    assert wrong["stored"] - wrong["recounted"] == 1


@pytest.mark.parametrize(
    ("mistake", "more"),
    [("place + 100 AS place, log_index + 100 AS log_index", 1), ("1 AS is_deleted, '' AS data", -1)],
    ids=["twice", "never"],
)
async def test_an_id_that_counts_wrong_is_named_though_its_session_agrees(
    filled: Operations, mistake: str, more: int
) -> None:
    """A fold that forgets an id, or takes it for a repetition, writes a wrong fact and session. Only ids show it."""
    of_session = f"FINAL WHERE session_id = '{named(1, OTHER)}'"
    facts = filled.one(f"SELECT count() FROM {{db}}.facts {of_session}")
    filled.alter(
        f"INSERT INTO {{db}}.facts SELECT * REPLACE ({mistake})"
        f" FROM {{db}}.facts {of_session} AND event_type = 'Stop' LIMIT 1"
    )
    filled.alter(
        f"INSERT INTO {{db}}.sessions SELECT * REPLACE (events + {more} AS events) FROM {{db}}.sessions {of_session}"
    )

    found = await filled.data("operator/recount")

    (wrong,) = (difference for difference in found["differences"] if difference["table"] == "sessions")
    assert (wrong["column"], wrong["stored"], wrong["recounted"]) == ("facts", facts + more, facts)


async def test_a_session_that_was_lost_is_missed(filled: Operations) -> None:
    """Facts without a session are found, even if the request has only the days of the facts."""
    filled.alter(f"DELETE FROM {{db}}.sessions WHERE session_id = '{named(0)}'")

    found = await filled.data("operator/recount")
    elsewhere = await filled.data("operator/recount", start_date="2020-01-01", end_date="2020-01-31")

    missing = [difference for difference in found["differences"] if difference["table"] == "sessions"]
    assert [(wrong["key"]["session_id"], wrong["stored"], wrong["recounted"]) for wrong in missing] == [
        (str(named(0)), 0, 1)
    ]
    assert ("rollup_quarters", "sessions") in named_columns(found) or ("rollup_quarters", "rows") in named_columns(
        found
    )
    assert elsewhere["equal"]


async def test_a_recount_of_some_days_compares_these_alone(filled: Operations) -> None:
    """Other days are not read; an end before the start is refused."""
    day = filled.one("SELECT toString(toDate(min(started_hour))) FROM {db}.sessions")
    expected = filled.one(f"SELECT count() FROM {{db}}.sessions FINAL WHERE toDate(started_hour) = '{day}'")

    found = await filled.data("operator/recount", start_date=day, end_date=day)

    assert found["compared"]["sessions"] == expected < 10
    assert found["compared"]["rollup_days"] <= 2
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


async def test_what_moves_is_no_difference(operations: Operations) -> None:
    """While a projector writes, every recount finds equality; when it is idle, nothing is moving."""
    log = worked_on(sessions=12)
    pipeline = new_pipeline(operations.store, log.records)
    seen: list[Any] = []

    batches = [log.records[start : start + 4] for start in range(0, len(log.records), 4)]
    may_go_on = asyncio.Semaphore(1)  # a third of the batches is written during each of the first three recounts

    async def project() -> None:
        for number, batch in enumerate(batches):
            if number % -(-len(batches) // 3) == 0:
                await may_go_on.acquire()
            await pipeline.project(batch)
        await settle(pipeline)

    projecting = asyncio.create_task(project())
    while not projecting.done():
        seen.append(await operations.data("operator/recount"))
        may_go_on.release()
    await projecting
    rest = await operations.data("operator/recount")

    assert [found["differences"] for found in seen] == [[] for _ in seen]
    assert len(seen) > 2
    assert rest["equal"]
    assert rest["moving"] == {"sessions": 0, "amounts": 0, "rollup_quarters": 0, "rollup_days": 0}
    assert rest["compared"]["sessions"] == 12


@pytest.mark.parametrize(("nth", "after"), [*((nth, False) for nth in range(6)), (5, True)])
async def test_a_batch_that_was_left_half_written_is_moving(operations: Operations, nth: int, after: bool) -> None:
    """A crash between any two writes shows no difference; after the batch is repeated, nothing is moving."""
    records = worked_on(sessions=4).records
    await operations.project(records[:20])
    sound = operations.store.warehouse()
    dying = CrashingWarehouse(sound._connect, sound._control, sound._generation).crash_at(nth, after)
    pipeline = new_pipeline(operations.store, records, warehouse=dying)
    with pytest.raises(Crash):
        await (await pipeline.project(records[20:]))

    half_written = await operations.data("operator/recount")
    await operations.project(records)
    rest = await operations.data("operator/recount")

    assert half_written["differences"] == []
    if nth >= 2 and (nth, after) != (5, True):  # before, no fact may have been written; after, nothing is missing
        assert sum(half_written["moving"].values()) > 0
    assert rest["equal"]
    assert sum(rest["moving"].values()) == 0


@pytest.mark.parametrize("heals", [False, True])
async def test_a_difference_counts_when_a_second_reading_confirms_it(filled: Operations, heals: bool) -> None:
    """A rollup that was ahead only in the first reading was being written at that moment."""
    version = filled.one("SELECT max(version) FROM {db}.rollups") + 1_000
    filled.alter(
        f"INSERT INTO {{db}}.rollups SELECT * REPLACE ({version} AS version) "
        f"FROM {{db}}.rollups FINAL WHERE org_id = '{ORG}' AND seconds = 900 ORDER BY bucket LIMIT 1"
    )

    async def pause() -> None:
        if heals:
            filled.alter(f"DELETE FROM {{db}}.rollups WHERE version = {version}")

    seen = await Freshness(filled.reader).snapshot()
    context = ReadContext(filled.reader, seen.generation, seen.rollups, "")
    found = await Recount(context, None, days_asked(None, None), pause).run()

    assert found.equal == heals
    assert [(wrong.column, wrong.stored) for wrong in found.differences] == ([] if heals else [("version", version)])
