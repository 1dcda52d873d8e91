"""Batches, gaps, repairs and recounts with more keys than a store accepts at once, through the store server.

It refuses what a real server and proxies refuse: long values, long addresses, many fields.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import pytest

from audit.recount import Recount, Recounted
from audit.repair import Repair
from audit.slices import days_asked
from devstack.store_server.conditions import BEHIND_PROXY, DEDUPLICATION_WINDOW
from processors.fold.fold import FOLD_VERSION
from processors.pipeline import Pipeline
from query_api.freshness import snapshot_of
from query_api.read_context import ReadContext
from schemas.log.position import LogRecord
from store.address import StoreAddress
from store.generations import Generation
from store.reading.reader import ClickHouseReader, open_reader
from tests.support.builders import DAY_MS, HOUR_MS, T0, LogBuilder, created, hook, recorded, reported, usage
from tests.support.builders import session_id as named
from tests.support.rigs.projection import new_pipeline, settle, tables
from tests.support.rigs.served_store import Served
from tests.support.rigs.store import TestStore, new_store

pytestmark = pytest.mark.fault(row=25)
ORGS, SESSIONS = 2_000, 3_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server as if behind a proxy; its tables drop repeated blocks like Replicated ones."""
    conditions = {BEHIND_PROXY: "1", DEDUPLICATION_WINDOW: "10000"}
    running = Served(Path(tmp_path_factory.mktemp("many-orgs")), **conditions)
    yield running
    running.end()


@pytest.fixture
def store(served: Served, request: pytest.FixtureRequest) -> Iterator[TestStore]:
    """Provision databases for this test on the server, for a log of one partition."""
    yield from new_store(StoreAddress(served.options, f"many_{abs(hash(request.node.name)):x}"), partitions=1)


@pytest.fixture(scope="module")
def of_sessions(served: Served) -> Iterator[TestStore]:
    """Provide a store with `many_sessions`, which each test leaves as it was."""
    for store in new_store(StoreAddress(served.options, "many_sessions"), partitions=1):
        asyncio.run(project(new_pipeline_over(store, []), many_sessions()))
        yield store


@pytest.fixture
async def reader(store: TestStore) -> AsyncIterator[ClickHouseReader]:
    """Open the query side on the same store."""
    opened = open_reader(store.address)
    yield opened
    opened.close()


def org(n: int) -> str:
    """Return a name of 60 letters, some of which a statement has to escape."""
    return f"org-{n:04}-o'neil\\".ljust(60, "x")


def many_orgs() -> list[LogRecord]:
    """Return a session in each org, in one of two hours of one of two days."""
    log = LogBuilder(partitions=1)
    for n in range(ORGS):
        session, started_at = named(n, org(n)), T0 - n % 2 * HOUR_MS - n % 4 // 2 * DAY_MS
        log.add(created(session, org_id=org(n), started_at=started_at))
        log.add(recorded(session, hook("Stop"), org_id=org(n)))
        log.add(reported(session, usage(input_tokens=n, cost_nano=n), org_id=org(n)))
    return log.records


def many_sessions() -> list[LogRecord]:
    """Return three records for each session, one after the other, in one partition."""
    log = LogBuilder(partitions=1)
    for make in (created, lambda s, **of: recorded(s, hook("Stop"), **of), lambda s, **of: reported(s, **of)):
        for n in range(SESSIONS):
            log.add(make(named(n, org(n % 7)), org_id=org(n % 7)))
    return log.records


def new_pipeline_over(store: TestStore, records: list[LogRecord]) -> Pipeline:
    """Return a projector whose log reads return as much as real ones."""
    pipeline = new_pipeline(store, [])
    pipeline._gaps._reader = InPieces(records)
    return pipeline


class InPieces:
    """The records of one partition; a read returns the requested number of bytes."""

    def __init__(self, records: list[LogRecord]) -> None:
        self._records = records

    async def ends(self) -> Sequence[int]:
        return [len(self._records)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        sizes = accumulate(len(record.value or b"") for record in self._records[start:stop])
        return self._records[start : start + max(1, sum(1 for size in sizes if size <= bytes_max))]


SESSION_KEYS = [(org(n % 7), named(n, org(n % 7))) for n in range(SESSIONS)]


async def project(pipeline: Pipeline, records: list[LogRecord]) -> None:
    """Project everything in one batch, and wait until it is written."""
    await pipeline.take_over(0, 0)
    await pipeline.project(records)
    await settle(pipeline)


async def recounted(reader: ClickHouseReader) -> Recounted:
    """Recount the whole installation."""
    generation = Generation("g1", 1, FOLD_VERSION)
    context = ReadContext(reader, generation, snapshot_of(generation, []).rollups, "")
    return await Recount(context, None, days_asked(None, None)).run()


async def test_a_hole_of_thousands_of_sessions_is_filled(of_sessions: TestStore) -> None:
    """Later records of these sessions are projected again, since they were folded without the missing records."""
    store, records = of_sessions, many_sessions()
    before = tables(store)
    for table in ("facts", "receipts"):
        store.client.command(f"DELETE FROM {store.database}.{table} WHERE log_offset BETWEEN 1 AND {SESSIONS}")

    again = new_pipeline_over(store, records)
    await again.take_over(0, len(records))

    assert tables(store) == before


async def test_one_batch_of_thousands_of_orgs_is_projected_and_repaired(
    store: TestStore, reader: ClickHouseReader
) -> None:
    """Every bucket is there, and right. A recount finds wrong ones; the repair deletes and rebuilds them."""
    records = many_orgs()
    pipeline = new_pipeline_over(store, records)
    await project(pipeline, records)
    before = tables(store)
    found = await recounted(reader)
    assert (found.differences, found.compared.sessions) == ([], ORGS)
    quarters, days = found.compared.rollup_quarters, found.compared.rollup_days
    assert min(quarters, days) > ORGS
    wrong = "* REPLACE (cost_nano + 1 AS cost_nano, version + 9 AS version)"
    store.client.command(f"INSERT INTO {store.database}.rollups SELECT {wrong} FROM {store.database}.rollups FINAL")

    repair = Repair(pipeline, store.warehouse(), reader, Generation("g1", store.partitions, FOLD_VERSION))
    repaired = [await repair.run() for _ in range(3)]  # a recount lists a thousand at once

    assert 0 < sum(each.buckets for each in repaired) <= quarters + days
    assert tables(store) == before


async def test_thousands_of_sessions_are_projected_again(of_sessions: TestStore) -> None:
    """Their derived rows are deleted first, so no row of a later version stays."""
    store, records = of_sessions, many_sessions()
    pipeline = new_pipeline_over(store, records)
    await pipeline.take_over(0, len(records))
    before = tables(store)
    wrong = "* REPLACE (events + 1 AS events, version + 9 AS version)"
    store.client.command(f"INSERT INTO {store.database}.sessions SELECT {wrong} FROM {store.database}.sessions FINAL")

    await pipeline.project_again(0, SESSION_KEYS)

    assert tables(store) == before


def test_the_facts_of_thousands_of_sessions_are_read(of_sessions: TestStore) -> None:
    """Their facts, stories and log positions are read."""
    warehouse, end = of_sessions.warehouse(), 3 * SESSIONS

    assert len(warehouse.facts(SESSION_KEYS, below=end)) == end
    assert len(list(warehouse.session_facts(SESSION_KEYS, upto=end))) == end
    assert warehouse.offsets_of(0, SESSION_KEYS, 0, end) == list(range(end))
