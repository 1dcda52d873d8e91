"""A log that is moved to another number of partitions projects to the same tables, except for positions."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.log.archive.restore import in_target_order
from ingest.log.kept import cuts_in, kept
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.topics import partition_of, record_key
from tests.properties.test_kept import tables
from tests.support.agent_facts import SESSIONS
from tests.support.builders import T0, records_erased
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


@st.composite
def erased_logs(draw: st.DrawFn) -> list[list[LogRecord]]:
    """Draw the partitions of a log in which sessions, or all of an org, are erased at any place."""
    log = draw(logs(max_size=30))
    found = [[record for record in log if record.partition == number] for number in range(PARTITIONS)]
    for _ in range(draw(st.integers(1, 2))):
        org, some = draw(st.sampled_from(["acme", "globex"])), draw(st.lists(st.sampled_from(SESSIONS), max_size=3))
        for partition, records in enumerate(found):
            here = [one for one in some if partition_of(record_key(one), PARTITIONS) == partition]
            erasure = records_erased(partition, *here, org_id=org, partitions=PARTITIONS)
            if here or not some:
                new = LogRecord(partition, 0, record_key(erasure.session_id), encode(erasure), T0)
                records.insert(draw(st.integers(0, len(records))), new)
    return [[record._replace(offset=at) for at, record in enumerate(records)] for records in found]


@given(log=erased_logs(), partitions=st.sampled_from([1, 3]), as_stubs=st.booleans())
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(60))
def test_a_moved_log_shows_the_same_once_it_is_erased(
    log: list[list[LogRecord]], partitions: int, as_stubs: bool
) -> None:
    """Whether what was erased becomes stubs on the way or not, and wherever the erasures are."""
    moved = list(in_target_order(log, partitions))
    cuts = cuts_in(moved, partitions)
    stubs = [kept(record, cuts, partitions) for record in moved]

    assert shown(stubs if as_stubs else moved, partitions) == shown([r for p in log for r in p], PARTITIONS)


def shown(log: list[LogRecord], partitions: int) -> dict[str, list[str]]:
    """Return the content of every table as it is read, without the receipts of erasures: their number changes."""
    found = tables(log, partitions)
    found["receipts"] = [row for row in found["receipts"] if row.kind != "records_erased"]
    return {table: sorted(map(str, map(_without_positions, rows))) for table, rows in found.items() if table in TABLES}


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
    return sorted(str(_without_positions(row)) for row in warehouse.rows(table))


def _without_positions(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in POSITIONS}
