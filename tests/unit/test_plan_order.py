"""The facts of a plan, as an insert relies on them: in the order of the table's key, no key twice."""

from hypothesis import HealthCheck, given, settings

from processors.dead_letter_limit import DeadLetterLimit
from processors.plan import Planner, pieces
from processors.pricing import Pricing
from processors.state_cache import StateCache
from schemas.log.position import LogRecord
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.rigs.store import TestStore
from tests.support.strategies import PARTITIONS, logs


@given(log=logs(max_size=60))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_facts_are_in_the_order_of_the_key(shared_store: TestStore, log: list[LogRecord]) -> None:
    """The store need not sort them, nor look for equal ones."""
    shared_store.empty()
    warehouse = FakeWarehouse(PARTITIONS)
    planner = Planner(warehouse, StateCache(1 << 20), Pricing(warehouse), PARTITIONS, DeadLetterLimit(2))

    facts = planner.plan(next(pieces(log, PARTITIONS))).facts
    shared_store.warehouse().insert("facts", facts)

    keys = [(row.org_id, row.session_id, row.place) for row in warehouse.decode("facts", facts)]
    stored = shared_store.rows("SELECT org_id, session_id, place FROM {db}.facts ORDER BY org_id, session_id, place")
    assert [tuple(row.values()) for row in stored] == keys
    assert len(set(keys)) == len(keys)
