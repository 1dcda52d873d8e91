"""Stubs: a log in which records were erased leaves the tables of one that never held them, but for their receipts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.dead_letter_limit import DeadLetterLimit
from processors.plan import Plan, Planner
from processors.pricing import Pricing
from processors.state_cache import StateCache
from schemas.log.position import LogRecord
from schemas.log.records import NO_ID
from tests.support.builders import erased
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.strategies import PARTITIONS, logs


def _plan(log: list[LogRecord]) -> tuple[Plan, dict[str, list[Any]]]:
    """Return the plan for a log, and its rows by table."""
    warehouse = FakeWarehouse(PARTITIONS)
    plan = Planner(warehouse, StateCache(1 << 30), Pricing(warehouse), PARTITIONS, DeadLetterLimit(2)).plan(log)
    rows = {"facts": b"".join(plan.facts), "session_states": plan.states}
    rows |= {table: getattr(plan, table) for table in ("dead_letters", "sessions", "amounts", "tasks", "receipts")}
    return plan, {table: warehouse.decode(table, some) for table, some in rows.items()}


@given(log=logs(max_size=40), data=st.data())
def test_a_stub_is_projected_to_its_receipt_alone(log: list[LogRecord], data: st.DataObject) -> None:
    """Whatever is erased, all other rows are those of a log without it, and every position keeps its receipt."""
    gone = data.draw(st.sets(st.sampled_from(log)))

    plan, tables = _plan([erased(record) if record in gone else record for record in log])
    without, expected = _plan([record for record in log if record not in gone])

    of_stubs = [row for row in tables["receipts"] if row.outcome == "erased"]
    assert {(row.log_partition, row.log_offset) for row in of_stubs} == {record[:2] for record in gone}
    assert {(row.record_id, row.kind, row.received_at, row.facts, row.added) for row in of_stubs} <= {
        (NO_ID, "", 0, 0, 0)
    }
    others = [row for row in tables["receipts"] if row.outcome != "erased"]
    assert {**tables, "receipts": others} == expected
    assert (plan.buckets, plan.derivations, plan.fact_count) == (
        without.buckets,
        without.derivations,
        without.fact_count,
    )
    assert plan.next_offsets == _plan(log)[0].next_offsets
