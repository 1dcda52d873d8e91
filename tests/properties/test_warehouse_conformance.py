"""The in-memory warehouse gives the same results as the real one, so that its properties hold for the real one."""

import asyncio
import re
import time
from collections.abc import Iterator
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from processors.fold.state import LAYOUT
from processors.rowbinary import encode_rows
from processors.warehouse import ClickHouseWarehouse, DenseMark, RollupMark, Warehouse
from schemas.log.position import LogRecord
from schemas.log.records import RecordsErased
from schemas.log.topics import erasures_id
from schemas.store.rows import (
    DAY_S,
    QUARTER_S,
    AmountsRow,
    DenseReceiptsRow,
    ModelAmounts,
    ModelTotals,
    RollupProgressRow,
    SessionRow,
    SessionStateRow,
    TaskRow,
    ToolAmountsOf,
)
from store.reading.guard import CONDITIONS, GUARD, HIDDEN
from tests.properties.test_kept import logs_with_erasures
from tests.support.agent_facts import BASE_MS, SESSIONS
from tests.support.builders import NO_SESSION
from tests.support.examples import examples
from tests.support.fakes.warehouse import SHAPES, FakeWarehouse, quarter_of
from tests.support.oracles.rowbinary import decode_rows
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TABLES, TestStore, new_address, new_store, seen
from tests.support.strategies import PARTITIONS, logs, names, times

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
_SHAPES = "SELECT name, engine_full, sorting_key FROM system.tables WHERE database = {database:String}"
KEYS = [(org, session_id) for org in ("acme", "globex") for session_id in SESSIONS]
task_rows = st.builds(
    TaskRow,
    org_id=st.sampled_from(["acme", "globex"]),
    session_id=st.sampled_from(SESSIONS),
    kind=st.sampled_from(["tool", "task"]),
    task_id=st.sampled_from(["a", "b"]),
    version=st.integers(1, 3),
    log_partition=st.just(0),
    name=st.text(max_size=3),
    status=st.sampled_from(["running", "completed"]),
    started_at=st.none() | times,
    ended_at=st.none() | times,
    duration_ms=st.none() | st.integers(0, 9),
    agent_type=st.just(""),
    parent_task_id=st.just(""),
    tool_calls=st.integers(0, 9),
)


counts = st.integers(0, 5)
model_totals = st.builds(
    ModelTotals, st.sampled_from(["", "m", "n"]), *[counts] * 6, cost_source=st.sampled_from(["reported", "priced"])
)


HOUR = BASE_MS // 3_600_000 * 3600
_WORK = ("lines_added", "lines_removed", "commits", "pull_requests", "active_ms")


@st.composite
def session_rows(draw: st.DrawFn) -> SessionRow:
    """Draw a row of a session in one of four quarters, with few names, so that groups have several rows."""
    hour = HOUR + draw(st.sampled_from([0, 3600]))
    values: dict[str, Any] = dict.fromkeys(SessionRow.__struct_fields__)
    values |= {"org_id": draw(st.sampled_from(["acme", "globex"])), "user_id": draw(st.sampled_from(["alice", "bob"]))}
    values |= {
        "started_hour": hour,
        "started_at": (hour + draw(st.sampled_from([0, 900]))) * 1000,
        "session_id": UUID(int=draw(st.integers(1, 6))),
    }
    values |= {name: draw(names) for name in ("project_id", "repo", "agent_name")}
    values |= {"version": draw(st.integers(1, 3)), "outcome": draw(st.sampled_from([None, "success", "timeout"]))}
    values |= {name: draw(st.none() | times) for name in ("last_event_at", "ended_at")}
    values |= {name: draw(counts) for name in ("events", "prompts", "tool_calls", "tool_errors")}
    values["models"] = draw(st.lists(model_totals, max_size=2, unique_by=lambda totals: totals.model))
    values |= {name: draw(st.just(0) | counts) for name in _WORK}
    values["duration_ms"] = draw(st.none() | counts)
    return SessionRow(**{**NO_SESSION, **{name: value for name, value in values.items() if value is not None}})


signed = st.just(0) | st.integers(-3, 3)


@st.composite
def amounts_rows(draw: st.DrawFn) -> AmountsRow:
    """Draw what happened in a session in one of a few quarters, under the same names."""
    names_drawn = {name: draw(names) for name in ("project_id", "repo", "agent_name")}
    models = st.lists(st.builds(ModelAmounts, st.sampled_from(["", "m", "n"]), *[signed] * 6), max_size=2)
    tools = st.lists(st.builds(ToolAmountsOf, st.sampled_from(["Bash", "Read"]), signed, signed, signed), max_size=2)
    return AmountsRow(
        org_id=draw(st.sampled_from(["acme", "globex"])),
        bucket=HOUR + draw(st.sampled_from([0, 900, 7200])),
        session_id=UUID(int=draw(st.integers(1, 6))),
        version=draw(st.integers(1, 3)),
        log_partition=0,
        **names_drawn,
        user_id=draw(st.sampled_from(["alice", "bob"])),
        models=draw(models),
        tools=draw(tools),
        **{name: draw(signed) for name in ("prompts", "api_requests", "api_errors", *_WORK)},
    )


@pytest.fixture(scope="module", params=["engine", "embedded_engine"])
def two(request: pytest.FixtureRequest) -> Iterator[TestStore]:
    """Return a store for two partitions, which each example empties; one is in this process, where inserts differ."""
    yield from new_store(new_address(request.getfixturevalue(request.param)), PARTITIONS)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_has_the_columns_of_its_table(two: TestStore, table: str) -> None:
    """A field that a table lacks, or a column without a field, would be written or compared by nothing."""
    found = two.client.query(f"{seen(table, two.database)} LIMIT 0").column_names
    assert sorted(found) == sorted(SHAPES[table].row.__struct_fields__)


def _both(store: TestStore) -> tuple[ClickHouseWarehouse, FakeWarehouse]:
    store.empty()
    return store.warehouse(), FakeWarehouse(PARTITIONS)


def _project(store: TestStore, warehouse: Warehouse, log: list[LogRecord], cut: int) -> None:
    async def run() -> None:
        pipeline = new_pipeline(store, log, warehouse=warehouse)
        for i in range(0, len(log), cut):
            await pipeline.project(log[i : i + cut])
        await settle(pipeline)

    asyncio.run(run())


def _real_rows(store: TestStore, table: str) -> list[Any]:
    """Return the rows as the store returns them to readers, in its wire format."""
    columns, settings = ", ".join(SHAPES[table].row.__struct_fields__), {GUARD: CONDITIONS}
    block = store.client.raw_query(f"SELECT {columns} FROM ({seen(table)})", settings=settings, fmt="RowBinary")
    return sorted(decode_rows(SHAPES[table].row, block), key=attrgetter(*SHAPES[table].key))


def _differing(store: TestStore, fake: FakeWarehouse, tables: tuple[str, ...] = TABLES) -> dict[str, Any]:
    both = {table: (_real_rows(store, table), fake.rows(table)) for table in tables}
    return {table: rows for table, rows in both.items() if rows[0] != rows[1]}


@given(log=logs(max_size=40), cut=st.integers(1, 20), data=st.data())
@settings(SLOW, max_examples=examples(6))
def test_a_log_leaves_the_same_tables_and_answers_in_both(
    two: TestStore, log: list[LogRecord], cut: int, data: st.DataObject
) -> None:
    """They agree on every row of every table, and on every query of a pipeline, for any part of the log."""
    real, fake = _both(two)

    for warehouse in (real, fake):
        _project(two, warehouse, log, cut)

    assert _differing(two, fake) == {}
    some = data.draw(st.lists(st.sampled_from(KEYS), unique=True))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 45), st.integers(0, 45))))
    for partition in range(PARTITIONS):
        for ask in (
            lambda w, p=partition: w.holes(p, start, stop),
            lambda w, p=partition: w.dense_mark(p),
            lambda w, p=partition: w.last_receipt(p),
            lambda w, p=partition: w.recent_outcomes(p, 7),
            lambda w, p=partition: w.offsets_of(p, some, start, stop),
            lambda w, p=partition: [row for row in w.facts(some, stop) if row.log_partition == p],
            lambda w, p=partition: [row for row in w.facts(some, stop, start) if row.log_partition == p],
            lambda w, p=partition: sorted(w.session_facts(some, stop), key=lambda f: (f.org_id, f.session_id)),
        ):
            assert ask(real) == ask(fake)


@given(log=logs(max_size=20), data=st.data())
@settings(SLOW, max_examples=examples(4))
def test_what_is_forgotten_and_made_again_is_the_same_in_both(
    two: TestStore, log: list[LogRecord], data: st.DataObject
) -> None:
    """Sessions and buckets are deleted, and the rollups of the rest are made again over the old ones."""
    both = _both(two)
    some = data.draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=1))

    for warehouse in both:
        _project(two, warehouse, log, 40)
    quarters, days = (
        [(row.org_id, row.bucket) for row in both[1].rows("rollups") if row.seconds == seconds]
        for seconds in (QUARTER_S, DAY_S)
    )
    gone = data.draw(st.lists(st.sampled_from(quarters))) if quarters else []
    for warehouse in both:
        warehouse.forget_sessions(some)
        warehouse.forget_buckets(gone, days)
        warehouse.refresh_rollups(quarters)

    assert _differing(two, both[1]) == {}


@given(log=logs(max_size=30), data=st.data())
@settings(SLOW, max_examples=examples(6))
def test_what_is_erased_is_hidden_in_both(two: TestStore, log: list[LogRecord], data: st.DataObject) -> None:
    """Some sessions of an org, or all of it; the rollups of the rest are made over those that had everything."""
    both, place = _both(two), (data.draw(st.integers(0, PARTITIONS - 1)), 40)
    org, some = data.draw(st.sampled_from(["acme", "globex"])), data.draw(st.lists(st.sampled_from(SESSIONS)))
    record = RecordsErased(
        v=1,
        record_id=SESSIONS[0],
        erasure=SESSIONS[1],
        received_at=BASE_MS,
        org_id=org,
        session_id=erasures_id(place[0], PARTITIONS),
        sessions=tuple(some),
    )

    for warehouse in both:
        _project(two, warehouse, log, 40)
    buckets = [(row.org_id, row.bucket) for row in both[1].rows("rollups") if row.seconds == QUARTER_S]
    for warehouse in both:
        warehouse.erase(*place, record)
        warehouse.refresh_rollups(buckets)

    assert _differing(two, both[1]) == {}
    hidden = [
        row for table in HIDDEN for row in both[1].rows(table) if (row.log_partition, row.org_id) == (place[0], org)
    ]
    assert not [row for row in hidden if not some or row.session_id in some]
    assert [sorted(warehouse.erased(place[0])) for warehouse in both] == [both[1].erased(place[0])] * 2
    assert len({tuple(warehouse.changed_buckets({place[0]: 40}, ("", 0), 100)) for warehouse in both}) == 1


@given(log=logs_with_erasures(sessions_too=False), cut=st.integers(1, 20))
@settings(SLOW, max_examples=examples(10))
def test_what_goes_on_without_some_records_is_the_same_in_both(two: TestStore, log: list[LogRecord], cut: int) -> None:
    """Every table, whatever is erased; a sweep then removes all that is hidden, and nothing else."""
    both = _both(two)

    for warehouse in both:
        _project(two, warehouse, log, cut)

    differing, left = _differing(two, both[1]), both[0].left_of_erased()
    both[0].delete_erased()
    while both[0].unfinished():
        time.sleep(0.01)
    both[0].delete_empty_tasks()
    while both[0].unfinished():
        time.sleep(0.01)
    concerned = {one.session for partition in range(PARTITIONS) for one in both[1].erased_positions(partition)}
    assert differing == {}
    assert {session for sessions in left.values() for session in sessions} <= concerned
    assert not any(both[0].left_of_erased().values())
    assert _differing(two, both[1]) == {}


@given(st.lists(st.lists(task_rows, max_size=4), max_size=5))
@settings(SLOW, max_examples=examples(6))
def test_of_equal_keys_both_show_the_highest_version_and_the_one_written_last(
    two: TestStore, inserts: list[list[Any]]
) -> None:
    """In one insert or in several, with rising or falling versions, both show the same row."""
    both = _both(two)

    for rows in filter(None, inserts):
        for warehouse in both:
            warehouse.insert("tasks", encode_rows(rows))

    assert _differing(two, both[1], ("tasks",)) == {}


@given(rows=st.lists(session_rows(), min_size=1, max_size=30), happened=st.lists(amounts_rows(), max_size=30))
@settings(SLOW, max_examples=examples(5))
def test_both_make_the_same_rollups_of_any_sessions(
    two: TestStore, rows: list[SessionRow], happened: list[AmountsRow]
) -> None:
    """Groups have several sessions, names that are NULL, models that only some use, and two quarters of one day."""
    both = _both(two)
    buckets = [(row.org_id, quarter_of(row)) for row in rows] + [(row.org_id, row.bucket) for row in happened]

    for warehouse in both:
        warehouse.insert("sessions", encode_rows(rows))
        warehouse.insert("amounts", encode_rows(happened))
        warehouse.refresh_rollups(buckets)

    assert _differing(two, both[1], ("sessions", "amounts", "rollups")) == {}


@given(
    rows=st.lists(session_rows(), max_size=30),
    happened=st.lists(amounts_rows(), max_size=30),
    marks=st.dictionaries(st.integers(0, 2), st.integers(0, 3), min_size=1),
    limit=st.integers(1, 4),
)
@settings(SLOW, max_examples=examples(6))
def test_both_find_the_same_buckets_beyond_the_marks(
    two: TestStore, rows: list[SessionRow], happened: list[AmountsRow], marks: dict[int, int], limit: int
) -> None:
    """Page by page: the quarters of all sessions and amounts in these partitions beyond their marks, each once."""
    both = _both(two)
    rows, happened = (
        [structs.replace(row, log_partition=row.session_id.int % 3) for row in some] for some in (rows, happened)
    )
    found = []

    for warehouse in both:
        warehouse.insert("sessions", encode_rows(rows))
        warehouse.insert("amounts", encode_rows(happened))
        page = warehouse.changed_buckets(marks, ("", 0), limit)
        found.append([*page])
        while page:
            page = warehouse.changed_buckets(marks, page[-1], limit)
            found[-1] += page

    beyond = {
        (row.org_id, quarter_of(row) if table == "sessions" else row.bucket)
        for table in ("sessions", "amounts")
        for row in both[1].rows(table)
        if row.version > marks.get(row.log_partition, 3)
    }
    assert found[0] == found[1] == sorted(beyond)


state_rows = st.builds(
    SessionStateRow,
    log_partition=st.integers(0, 1),
    org_id=st.sampled_from(["acme", "globex"]),
    session_id=st.sampled_from(SESSIONS[:2]),
    version=st.integers(1, 4),
    started_at=st.just(BASE_MS),
    layout=st.sampled_from([LAYOUT, LAYOUT, 7]),
    facts=st.just(1),
    ids_high=st.just(0),
    ids_low=st.just(0),
    state=st.binary(max_size=4),
)


@given(rows=st.lists(state_rows, max_size=8, unique_by=lambda row: (row.log_partition, row.org_id, row.version)))
@settings(SLOW, max_examples=examples(6))
def test_both_return_the_latest_state_that_holds_nothing_beyond_a_bound(
    two: TestStore, rows: list[SessionStateRow]
) -> None:
    """For a known layout, one for each session of a partition; none if the latest is beyond the bound."""
    both = _both(two)
    for row in rows:
        for warehouse in both:
            warehouse.insert("session_states", encode_rows([row]))

    for partition in range(2):
        asked = [(org, session) for org in ("acme", "globex") for session in SESSIONS[:2]]
        keys, *rest = [sorted(warehouse.kept_sessions(partition)) for warehouse in both]
        assert rest == [keys]
        for below in range(6):
            found, *rest = [[w.kept_state(partition, key, below) for key in asked] for w in both]
            assert rest == [found]


def test_both_return_the_highest_mark_of_a_partition(two: TestStore) -> None:
    """A late worker can't move it back; without a row the rollups contain nothing."""
    both = _both(two)

    for warehouse in both:
        for rolled_up, complete_ms in ((7, 700), (9, 900), (8, 1_000)):
            warehouse.insert("rollup_progress", encode_rows([RollupProgressRow(1, rolled_up, complete_ms)]))

    assert [warehouse.rollup_mark(1) for warehouse in both] == [RollupMark(9, 900)] * 2
    assert [warehouse.rollup_mark(0) for warehouse in both] == [RollupMark()] * 2


def test_both_return_the_highest_mark_of_dense_receipts_until_it_is_forgotten(two: TestStore) -> None:
    """A late worker can't move it back; without a row nothing is known to be dense."""
    both = _both(two)

    for warehouse in both:
        for below in (7, 9, 8):
            warehouse.insert("dense_receipts", encode_rows([DenseReceiptsRow(1, below)]))
        assert (warehouse.dense_mark(1), warehouse.dense_mark(0)) == (DenseMark(9, 0), DenseMark())

        warehouse.insert("dense_receipts", encode_rows([DenseReceiptsRow(0, 3)]))
        warehouse.forget_dense_mark(1)
        warehouse.insert("dense_receipts", encode_rows([DenseReceiptsRow(1, 5)]))
        assert (warehouse.dense_mark(1), warehouse.dense_mark(0)) == (DenseMark(5, 0), DenseMark(3, 0))


@given(
    log=logs(max_size=12),
    holes=st.sets(st.integers(0, 11)),
    between=st.tuples(st.integers(0, 14), st.integers(0, 14)),
    twice=st.booleans(),
)
@settings(SLOW, max_examples=examples(6))
def test_both_find_the_same_holes(
    two: TestStore, log: list[LogRecord], holes: set[int], between: tuple[int, int], twice: bool
) -> None:
    """Receipts are missing at the start, in the middle and at the end, and others were written twice."""
    both = _both(two)
    _project(two, both[1], log, 12)
    rest = [row for row in both[1].rows("receipts") if row.log_offset not in holes]
    both[1].tables["receipts"].clear()

    for warehouse in both:
        for _ in range(1 + twice if rest else 0):
            warehouse.insert("receipts", encode_rows(rest))

    for partition in range(PARTITIONS):
        start, stop = sorted(between)
        assert both[0].holes(partition, start, stop) == both[1].holes(partition, start, stop)
        assert both[0].dense_mark(partition) == both[1].dense_mark(partition)
        assert both[0].recent_outcomes(partition, 3) == both[1].recent_outcomes(partition, 3)
        assert both[0].last_receipt(partition) == both[1].last_receipt(partition)


@pytest.mark.parametrize("table", SHAPES)
def test_keys_and_versions_are_those_of_the_database(two: TestStore, table: str) -> None:
    """The keys and version columns, which decide which of two rows is visible, are the same in both."""
    found = next(row for row in two.rows(_SHAPES, database=two.database) if row["name"] == table)

    engine = re.match(r"ReplacingMergeTree(?:\((\w+)(?:, (\w+))?\))? ORDER", found["engine_full"])
    assert engine is not None
    assert (found["sorting_key"].split(", "), engine[1]) == (list(SHAPES[table].key), SHAPES[table].version)
    assert engine[2] == ("is_deleted" if "is_deleted" in SHAPES[table].row.__struct_fields__ else None)
