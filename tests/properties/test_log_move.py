"""A log that is moved to another number of partitions projects to the same tables, except for positions."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.log.archive.restore import in_target_order
from schemas.log.position import LogRecord
from tests.support.examples import examples
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.rigs.projection import pipeline_over, settle
from tests.support.rigs.store import TABLES
from tests.support.rigs.store_contents import POSITIONS
from tests.support.strategies import PARTITIONS, logs


@given(log=logs(), partitions=st.sampled_from([1, 3]))
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(100))
def test_a_moved_log_projects_to_the_same_tables(log: list[LogRecord], partitions: int) -> None:
    """Facts, sessions, tasks, digests, analyses, rollups, receipts and dead letters have the same content."""
    before = [[record for record in log if record.partition == number] for number in range(PARTITIONS)]
    moved = list(in_target_order(before, partitions))

    assert tables_of(moved, partitions) == tables_of(log, PARTITIONS)


def tables_of(log: list[LogRecord], partitions: int) -> dict[str, list[str]]:
    """Project the log into the in-memory warehouse, and return the content of every table."""
    warehouse = FakeWarehouse(partitions)

    async def project() -> None:
        pipeline = pipeline_over(warehouse, log, partitions)
        await pipeline.project(log)
        await settle(pipeline)

    asyncio.run(project())
    return {table: _content(warehouse, table) for table in TABLES}


def _content(warehouse: FakeWarehouse, table: str) -> list[str]:
    rows = [{name: getattr(row, name) for name in row.__struct_fields__} for row in warehouse.rows(table)]
    return sorted(str({name: value for name, value in row.items() if name not in POSITIONS}) for row in rows)
