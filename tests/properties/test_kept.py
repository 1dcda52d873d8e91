"""A rewritten log: stubs in place of what is erased, and nothing else is changed."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.log.kept import cuts_in, kept
from schemas.log.codec import encode, erasure_in
from schemas.log.position import LogRecord
from schemas.log.topics import partition_of, record_key
from tests.support.agent_facts import SESSIONS
from tests.support.builders import T0, positions_erased, records_erased
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.oracles.model import as_read
from tests.support.rigs.projection import pipeline_over, settle
from tests.support.strategies import PARTITIONS, logs


@st.composite
def logs_with_erasures(draw: st.DrawFn, sessions_too: bool = True) -> list[LogRecord]:
    """Draw a log in which some sessions, all of an org, or some records are erased at any place."""
    log = draw(logs(max_size=30))
    for _ in range(draw(st.integers(1, 3)) if sessions_too else 0):
        org, session_id = draw(st.sampled_from(["acme", "globex"])), draw(st.sampled_from(SESSIONS))
        partition = partition_of(record_key(session_id), PARTITIONS)
        sessions = draw(st.sampled_from([(session_id,), (session_id,), ()]))
        erasure = records_erased(partition, *sessions, org_id=org, partitions=PARTITIONS)
        at = draw(st.integers(0, len(log)))
        new = LogRecord(partition, 0, record_key(erasure.session_id), encode(erasure), T0)
        log = [*log[:at], new, *log[at:]]
    log = numbered(log)
    for _ in range(draw(st.integers(0 if sessions_too else 1, 3))):
        at, org = draw(st.integers(1, len(log))) if log else 0, draw(st.sampled_from(["acme", "acme", "globex"]))
        before = [record for record in log[:at] if record.partition == log[0].partition]
        if gone := draw(st.sets(st.sampled_from([record.offset for record in before]))) if before else ():
            log = numbered([*log[:at], erasing(log[0].partition, *gone, org=org), *log[at:]])
    return log


def erasing(partition: int, *offsets: int, org: str) -> LogRecord:
    """Return the record that erases these positions."""
    erasure = positions_erased(partition, *offsets, org_id=org, partitions=PARTITIONS)
    return LogRecord(partition, 0, record_key(erasure.session_id), encode(erasure), T0)


def numbered(log: list[LogRecord]) -> list[LogRecord]:
    """Give each record the offset that it has in this order."""
    ends = [0] * PARTITIONS
    for number, record in enumerate(log):
        log[number] = record._replace(offset=ends[record.partition])
        ends[record.partition] += 1
    return log


def rewritten(log: list[LogRecord]) -> list[LogRecord]:
    cuts = cuts_in(log, PARTITIONS)
    return [kept(record, cuts, PARTITIONS) for record in log]


def tables(log: list[LogRecord], partitions: int = PARTITIONS) -> dict[str, list[Any]]:
    """Project a log; return each table as it is read."""
    warehouse = FakeWarehouse(partitions)

    async def run() -> None:
        pipeline = pipeline_over(warehouse, log, partitions, dead_share_max=2)
        await pipeline.project(log)
        await settle(pipeline)

    asyncio.run(run())
    found = {table: warehouse.rows(table) for table in warehouse.tables}
    # Of an erasure, only what it hid is known: a session whose records are stubs was never there.
    del found["erased"], found["erased_positions"], found["session_states"]
    found["rollups"] = [row for row in found["rollups"] if row.groups or row.model_groups or row.sessions]
    return found | {"receipts": [as_read(row, warehouse) for row in found["receipts"]]}


@given(log=logs_with_erasures())
def test_only_values_change_and_once(log: list[LogRecord]) -> None:
    """Every record keeps its place, key and time; what is not erased keeps its bytes; twice is the same as once."""
    after = rewritten(log)

    assert [record._replace(value=b"") for record in after] == [record._replace(value=b"") for record in log]
    assert rewritten(after) == after
    for before, record in zip(log, after, strict=True):
        if record.value != before.value:
            assert len(record.value or b"") < 200
            assert b'"kind":"erased"' in (record.value or b"")


@given(log=logs_with_erasures())
@settings(deadline=None)
def test_a_replay_of_the_rewritten_log_shows_the_same(log: list[LogRecord]) -> None:
    """It has the same rows in every table; only rollups differ in their version, where something had been counted."""
    original, replayed = tables(log), tables(rewritten(log))

    for found in (original, replayed):
        found["rollups"] = [(row.org_id, row.seconds, row.bucket, row.sessions, row.groups) for row in found["rollups"]]
    assert replayed == original


@given(log=logs_with_erasures(sessions_too=False))
@settings(deadline=None)
def test_what_is_left_counts_as_if_the_rest_had_never_been_written(log: list[LogRecord]) -> None:
    """Whatever of a session is erased, its rows are those of a log without it, but for their versions."""
    cuts = cuts_in(log, PARTITIONS)
    left = [record for record in log if kept(record, cuts, PARTITIONS) is record]
    without = [record for record in left if erasure_in(record, PARTITIONS) is None]

    found, expected = tables(log), tables(numbered(without))

    assert {table: without_places(found[table]) for table in OF_SESSIONS} == {
        table: without_places(expected[table]) for table in OF_SESSIONS
    }


OF_SESSIONS = ("facts", "sessions", "amounts", "tasks", "compactions", "analyses")


def without_places(rows: list[Any]) -> list[dict[str, Any]]:
    """Return rows without the place in the log that they are as of."""
    return [
        {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("version", "place", "log_offset")}
        for row in rows
    ]
