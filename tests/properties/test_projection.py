"""The promise, as properties: any way to cut, repeat, skip or interrupt a log leaves the same tables."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.pipeline import Pipeline
from processors.projections import states
from processors.projections.records import Facts
from processors.warehouse import ClickHouseWarehouse
from schemas.log.position import LogRecord
from schemas.words import encoded_search_text
from store.connect import WRITE, connect
from tests.support.builders import hook
from tests.support.examples import examples
from tests.support.oracles.said import said
from tests.support.oracles.sessions import first_copies, recount, recount_tasks
from tests.support.rigs.projection import Crash, CrashingWarehouse, SlowWarehouse, new_pipeline, settle, tables
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS, log_of, logs, one_event

W = TypeVar("W", bound=ClickHouseWarehouse)
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@st.composite
def deliveries(draw: st.DrawFn, log: list[LogRecord]) -> list[list[LogRecord] | str]:
    """Draw deliveries of a log: parts of a partition, steps back, omissions, restarts.

    What is omitted is never delivered again; the projector must notice it.
    """
    by_partition = [[record for record in log if record.partition == p] for p in range(PARTITIONS)]
    steps: list[list[LogRecord] | str] = []
    for _ in range(draw(st.integers(1, 10))):
        records = by_partition[draw(st.integers(0, PARTITIONS - 1))]
        start = draw(st.integers(0, len(records)))
        steps.append(records[start : draw(st.integers(start, len(records)))])
        steps.append(draw(st.sampled_from(["", "", "restart", "crash"])))
    return [step for step in steps if step]


@pytest.fixture(autouse=True, scope="module")
def keeping_states() -> Iterator[None]:
    """Save the states of short sessions too, so that a restart uses them."""
    with patch.object(states, "FACTS_MIN", 2):
        yield


@pytest.fixture(scope="module")
def two(engine: Options) -> Iterator[TestStore]:
    """Return a store for two partitions, which each example empties."""
    yield from new_store(new_address(engine), PARTITIONS)


async def _project(pipeline: Pipeline, batches: list[list[LogRecord]]) -> None:
    for batch in batches:
        await pipeline.project(batch)
    await settle(pipeline)


async def _finish(store: TestStore, log: list[LogRecord]) -> None:
    """Act as at an assignment of partitions: everything below the end of the log must be projected."""
    pipeline = new_pipeline(store, log)
    for partition in range(PARTITIONS):
        await pipeline.take_over(partition, sum(1 for record in log if record.partition == partition))
    await settle(pipeline)


async def _crash(store: TestStore, log: list[LogRecord], batch: list[LogRecord], nth: int, after: bool) -> None:
    warehouse = _warehouse(CrashingWarehouse, store)
    warehouse.crash_at(nth, after)
    with contextlib.suppress(Crash):
        await _project(new_pipeline(store, log, warehouse=warehouse), [batch])


def _warehouse(kind: type[W], store: TestStore) -> W:
    options = store.address.at(store.database)
    return kind(lambda: connect(WRITE, **options), store.address.control, "g1")


def _clean(store: TestStore, log: list[LogRecord]) -> dict[str, list[tuple[object, ...]]]:
    store.empty()
    asyncio.run(_project(new_pipeline(store, log), [log]))
    return tables(store)


@given(data=st.data(), log=logs())
@settings(SLOW, max_examples=examples(20))
@pytest.mark.fault(row=2)
def test_any_way_of_delivering_a_log_leaves_the_tables_of_one_clean_pass(
    two: TestStore, data: st.DataObject, log: list[LogRecord]
) -> None:
    """Redelivery, other batch boundaries, omissions, restarts and crashes at any write change nothing."""
    expected = _clean(two, log)
    two.empty()
    pipeline = new_pipeline(two, log)

    for step in data.draw(deliveries(log)):
        if step == "crash":
            nth, after = data.draw(st.integers(0, 9)), data.draw(st.booleans())
            asyncio.run(_crash(two, log, log[: data.draw(st.integers(0, len(log)))], nth, after))
        elif step == "restart":
            pipeline = new_pipeline(two, log, data.draw(st.sampled_from([0, 6_000, 1 << 30])))
        else:
            asyncio.run(_project(pipeline, [step]))
    asyncio.run(_finish(two, log))

    assert tables(two) == expected


@given(log=logs(), cut=st.integers(1, 4), cache_bytes=st.sampled_from([0, 4_000, 9_000, 1 << 30]))
@settings(SLOW, max_examples=examples(15))
def test_states_that_are_evicted_and_folded_again_are_the_same_states(
    two: TestStore, log: list[LogRecord], cut: int, cache_bytes: int
) -> None:
    """No row depends on whether a session's state stayed in memory or was read back from the table."""
    expected = _clean(two, log)
    two.empty()
    pipeline = new_pipeline(two, log, cache_bytes, _warehouse(SlowWarehouse, two))

    asyncio.run(_project(pipeline, [log[i : i + cut] for i in range(0, len(log), cut)]))

    assert tables(two) == expected


def test_a_state_whose_facts_are_on_their_way_is_not_evicted(two: TestStore) -> None:
    """With an empty cache and a slow store, a session that is in every batch still counts every event."""
    log = log_of([one_event(n) for n in range(8)])
    two.empty()
    pipeline = new_pipeline(two, log, 0, _warehouse(SlowWarehouse, two))

    asyncio.run(_project(pipeline, [[record] for record in log]))

    assert two.rows("SELECT events, version FROM {db}.sessions FINAL") == [{"events": 8, "version": 8}]


@given(log=logs(max_size=60))
@settings(SLOW, max_examples=examples(20))
@pytest.mark.fault(row=12)
def test_the_tables_of_a_clean_pass_are_what_slow_recounts_say(two: TestStore, log: list[LogRecord]) -> None:
    """The oracles share no code with the fold. A failure names the table that differs."""
    values = [record.value for record in log if record.value and record.value[0] == ord("{")]
    two.empty()

    asyncio.run(_project(new_pipeline(two, log), [log]))

    _check_facts(two, first_copies(values))
    _check_sessions(two, recount(values))
    _check_tasks(two, recount_tasks(values))
    _check_words(two, said(values))
    _check_rollups(two)


def _check_facts(two: TestStore, expected: dict[tuple[str, str, str], Any]) -> None:
    """An event id counts once in its session: the first copy in the log is stored, a second one nowhere."""
    rows = two.rows(
        "SELECT org_id, session_id, event_id, log_offset, log_index, event_type, timestamp, data"
        " FROM {db}.facts FINAL WHERE kind = 'events_recorded'"
    )
    found = {(row["org_id"], str(row["session_id"]), str(row["event_id"])): row for row in rows}
    assert {
        key: (row["event_type"], _plain(row["timestamp"]), json.loads(row["data"])) for key, row in found.items()
    } == expected


def _check_sessions(two: TestStore, expected: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Counts, times, dimensions and totals equal the oracle's."""
    rows = two.rows("SELECT * FROM {db}.sessions FINAL")
    assert {(row["org_id"], str(row["session_id"])) for row in rows} == set(expected)
    for row in rows:
        wanted = expected[row["org_id"], str(row["session_id"])]
        reported = sum(m["cost_nano"] for m in row["models"] if m["cost_source"] == "reported")
        if any(m["cost_source"] != "reported" for m in row["models"]):
            reported = wanted["reported_cost"]  # entries of one model, priced and reported, may be merged
        actual = {name: _plain(row[name]) for name in wanted if name != "reported_cost"}
        assert {**actual, "reported_cost": reported} == wanted


def _check_tasks(two: TestStore, expected: dict[tuple[str, str, str, str], dict[str, Any]]) -> None:
    """Names, times, status and owner of subagents, tasks and tool calls equal the oracle's."""
    rows = two.rows("SELECT * FROM {db}.tasks FINAL")
    assert {
        (row["org_id"], str(row["session_id"]), row["kind"], row["task_id"]): {
            name: _plain(row[name]) for name in next(iter(expected.values()))
        }
        for row in rows
    } == expected


def _check_words(two: TestStore, expected: dict[tuple[str, str], list[str]]) -> None:
    """What the events of a session say is in its facts, the texts of a record in one row. A search takes no FINAL."""
    rows = two.rows("SELECT org_id, session_id, log_offset, words FROM {db}.facts WHERE words != ''")
    assert len({(row["org_id"], row["session_id"], row["log_offset"]) for row in rows}) == len(rows)
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        texts = row["words"].strip().split("  ")
        found[row["org_id"], str(row["session_id"])] = sorted(
            [*found.get((row["org_id"], str(row["session_id"])), []), *texts]
        )
    assert found == expected


def test_words_of_an_event_that_does_not_count_are_noticed(two: TestStore) -> None:
    """The check of words finds a planted mistake: those of a repeated id are stored, too."""
    events = [hook("UserPromptSubmit", event_id=UUID(int=1), prompt=text) for text in ("first", "second")]
    log = log_of([msgspec.structs.replace(one_event(n), events=(event,)) for n, event in enumerate(events)])
    values = [record.value or b"" for record in log]
    for is_mistaken in (False, True):
        two.empty()
        counting = patch("processors.plan.share_words", _share_all) if is_mistaken else contextlib.nullcontext()
        with counting:
            asyncio.run(_project(new_pipeline(two, log), [log]))

        with pytest.raises(AssertionError) if is_mistaken else contextlib.nullcontext():
            _check_words(two, said(values))


def _share_all(facts: Facts) -> None:
    facts.rows[0].words = encoded_search_text(text for texts in facts.texts for _, text in texts)


def _check_rollups(two: TestStore) -> None:
    """A bucket is the sum of its sessions and amounts, by every dimension; its version is the sum of theirs."""
    for seconds in (900, 86_400):
        start = f"intDiv(toUnixTimestamp({{}}), {seconds}) * {seconds} AS start"
        started, happened = start.format("started_at"), start.format("bucket")
        of_groups, of_models, of_buckets = (
            f"FROM {{db}}.rollups FINAL {join} WHERE seconds = {seconds}"
            for join in ("ARRAY JOIN groups AS g", "ARRAY JOIN model_groups AS m", "")
        )
        groups = two.rows(
            f"""SELECT org_id, {happened}, g.project_id AS project, g.repo AS repo, g.agent_name AS agent,
                       g.user_id AS user, g.sessions AS n, g.events AS e, g.ended AS ended, g.duration_ms AS d
                {of_groups} AND n > 0 ORDER BY ALL"""
        )
        sessions = two.rows(
            f"""SELECT org_id, {started}, project_id AS project, repo, agent_name AS agent, user_id AS user,
                       count() AS n, sum(events) AS e, countIf(ended_at IS NOT NULL) AS ended,
                       toUInt64(sumIf(ifNull(duration_ms, 0), ended_at IS NOT NULL)) AS d
                FROM {{db}}.sessions FINAL GROUP BY ALL ORDER BY ALL"""
        )
        models = two.rows(
            f"""SELECT org_id, {happened}, m.user_id AS user, m.agent_name AS agent, m.model AS model,
                       sum(m.cost_nano) AS c, sum(m.input_tokens) AS i
                {of_models} GROUP BY ALL HAVING c != 0 OR i != 0 ORDER BY ALL"""
        )
        used = two.rows(
            f"""SELECT org_id, {happened}, user_id AS user, agent_name AS agent, m.model AS model,
                       sum(m.cost_nano) AS c, sum(m.input_tokens) AS i
                FROM {{db}}.amounts FINAL ARRAY JOIN models AS m GROUP BY ALL HAVING c != 0 OR i != 0 ORDER BY ALL"""
        )
        totals = two.rows(
            f"SELECT org_id, {happened}, version, sessions AS n, cost_nano AS c {of_buckets} ORDER BY ALL"
        )
        summed = two.rows(
            f"""SELECT org_id, start, sum(version) AS version, sum(n) AS n, sum(c) AS c FROM (
                    SELECT org_id, {started}, version, 1 AS n, 0 AS c FROM {{db}}.sessions FINAL
                    UNION ALL
                    SELECT org_id, {happened}, version, 0, arraySum(models.cost_nano) FROM {{db}}.amounts FINAL)
                GROUP BY ALL ORDER BY ALL"""
        )
        assert (groups, models, totals) == (sessions, used, summed)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)
    return value
