"""A log that was moved to another number of partitions projects to the same tables, positions apart."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from ingest.log.archive.order import in_target_order
from schemas.log.position import LogRecord
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TABLES, Options, TestStore, new_address, new_store
from tests.support.rigs.store_contents import POSITIONS
from tests.support.strategies import PARTITIONS, logs


@pytest.fixture(scope="module")
def two(engine: Options) -> Iterator[TestStore]:
    yield from new_store(new_address(engine), PARTITIONS)


@pytest.fixture(scope="module")
def other(engine: Options, request: pytest.FixtureRequest) -> Iterator[TestStore]:
    yield from new_store(new_address(engine), request.param)


@pytest.mark.parametrize("other", [1, 3], indirect=True)
@given(log=logs())
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=15)
def test_a_moved_log_projects_to_the_same_tables(two: TestStore, other: TestStore, log: list[LogRecord]) -> None:
    """Facts, sessions, tasks, digests, analyses, rollups, receipts and dead letters have the same content."""
    partitions = [[record for record in log if record.partition == number] for number in range(PARTITIONS)]
    moved = list(in_target_order(partitions, other.partitions))

    assert tables_of(other, moved) == tables_of(two, log)


def tables_of(store: TestStore, log: list[LogRecord]) -> dict[str, list[tuple[str, ...]]]:
    """Project the log, and return the content of every table."""
    store.empty()

    async def project() -> None:
        pipeline = new_pipeline(store, log)
        await pipeline.project(log)
        await settle(pipeline)

    asyncio.run(project())
    return {table: _content(store, table) for table in TABLES}


def _content(store: TestStore, table: str) -> list[tuple[str, ...]]:
    rows = store.rows(f"SELECT * FROM {{db}}.{table} FINAL")
    return sorted(tuple(str(value) for name, value in row.items() if name not in POSITIONS) for row in rows)
