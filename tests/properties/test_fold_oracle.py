"""The fold against a slow recount of the log, without a store: so thousands of logs can be compared."""

from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, given, settings

from processors.fold.fold import begin, fold
from processors.fold.frozen import freeze, thaw
from processors.fold.state import SessionState
from processors.projections.records import fact_rows
from processors.projections.sessions import session_row, task_row
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.records import PricesLoaded
from schemas.pricing.price_list import list_prices
from schemas.store.rows import ModelTotals
from tests.support.oracles.sessions import recount, recount_ledger, recount_tasks, recount_tools
from tests.support.strategies import PARTITIONS, crowded_logs, logs

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
Folded = dict[tuple[str, str], SessionState]
PRICES = list_prices()


def folded(log: Iterable[LogRecord]) -> Folded:
    """Return the states of the sessions of a log; each is frozen and thawed after every record."""
    states: Folded = {}
    for log_record in log:
        if not (log_record.value or b"").startswith(b"{"):
            continue
        record = decode(log_record, PARTITIONS)
        if isinstance(record, PricesLoaded):
            continue
        for row in fact_rows(log_record, record):
            key = row.org_id, str(row.session_id)
            states[key] = states.get(key) or begin(row)
            fold(states[key], row)
    return states


def values_of(log: Iterable[LogRecord]) -> list[bytes]:
    """Return what can be decoded."""
    return [record.value for record in log if record.value and record.value.startswith(b"{")]


@given(log=crowded_logs() | logs(max_size=60))
@SLOW
def test_sessions_are_what_a_slow_recount_says(log: list[LogRecord]) -> None:
    """Counts, times, names, usage and work equal the oracle's."""
    expected, states = recount(values_of(log)), folded(log)

    assert states.keys() == expected.keys()
    for key, state in states.items():
        wanted = {name: value for name, value in expected[key].items() if name != "reported_cost"}
        row = session_row(state, PRICES)
        assert {name: getattr(row, name) for name in wanted} == wanted


@given(log=crowded_logs() | logs(max_size=60))
@SLOW
def test_tasks_are_what_a_slow_recount_says(log: list[LogRecord]) -> None:
    """Statuses, times, names and owners of subagents, tasks and uses of tools equal the oracle's."""
    expected = recount_tasks(values_of(log))

    rows = [task_row(state, task) for state in folded(log).values() for task in state.take_touched()]

    found = {(row.org_id, str(row.session_id), row.kind, row.task_id): row for row in rows}
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        assert {name: getattr(found[key], name) for name in wanted} == wanted, key


@given(log=crowded_logs() | logs(max_size=60))
@SLOW
def test_costs_and_tools_are_what_a_slow_recount_says(log: list[LogRecord]) -> None:
    """Each model, agent and tool has the oracle's sums, to the nano-dollar."""
    ledgers, tools = recount_ledger(values_of(log), PRICES), recount_tools(values_of(log))

    for key, state in folded(log).items():
        row = session_row(state, PRICES)
        assert _by_model(row.models) == ledgers[key]["models"]
        assert _by_model(row.measured) == ledgers[key]["measured"]
        agents = {agent.agent_id: agent._asdict() for agent in row.agents}
        assert agents == {name: {**agent, "agent_id": name} for name, agent in ledgers[key]["agents"].items()}
        assert {name: tuple(counts) for name, *counts in row.tools if any(counts)} == tools[key]


@given(log=crowded_logs())
@SLOW
def test_a_state_that_was_frozen_goes_on_as_it_was(log: list[LogRecord]) -> None:
    """A state may be kept and read back between any two records."""
    (key, whole), *_ = folded(log).items()
    state: SessionState | None = None
    for log_record in log:
        for row in fact_rows(log_record, decode(log_record, PARTITIONS)):  # type: ignore[arg-type]  # no prices in it
            state = state or begin(row)
            fold(state, row)
        assert state is not None
        state.take_touched()
        state = thaw(freeze(state))

    assert state is not None
    assert session_row(state, PRICES) == session_row(whole, PRICES), key
    whole.take_touched()
    assert freeze(state) == freeze(whole)


def _by_model(models: list[ModelTotals]) -> dict[str, dict[str, Any]]:
    return {one.model: {name: value for name, value in one._asdict().items() if name != "model"} for one in models}
