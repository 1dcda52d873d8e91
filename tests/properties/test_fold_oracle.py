"""The fold compared with a slow recount of the log, without a store, so that thousands of logs can be compared."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prices.price_list import PriceList, list_prices
from processors.fold.fold import begin, fold
from processors.fold.state import SessionState, freeze, thaw
from processors.projections.records import facts_of
from processors.projections.sessions import session_row, task_row
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.store.rows import AgentTotals, ModelTotals, TaskRow
from tests.support.agent_facts import BASE_MS, agent_log, smallest
from tests.support.builders import HOUR_MS
from tests.support.examples import examples
from tests.support.folded import fold_log
from tests.support.oracles.sessions import recount, recount_ledger, recount_tasks, recount_tools
from tests.support.strategies import PARTITIONS, crowded_logs, log_of, logs

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
AT_ONCE = 50  # logs per example
Differences = dict[str, tuple[Any, Any]]  # found and expected values
# Prices change within a log, so that each hour counts.
PRICES = PriceList(
    [
        *list_prices().prices,
        *(Price("other", BASE_MS + hour * HOUR_MS, *[(hour + 2) * 1_234_567] * 5) for hour in range(-1, 9)),
    ]
)


def differences(log: Iterable[LogRecord]) -> Differences:
    """Return the differences between the fold of a log and a slow recount."""
    log = list(log)
    values = [record.value for record in log if record.value and record.value.startswith(b"{")]
    states, sessions = fold_log(log, PARTITIONS), recount(values)
    ledgers, tools, tasks = recount_ledger(values, PRICES), recount_tools(values), recount_tasks(values)
    found: Differences = {"sessions": (states.keys(), sessions.keys())}
    rows: dict[tuple[str, ...], TaskRow] = {}
    for key, state in states.items():
        row = session_row(state, PRICES)
        wanted = {name: value for name, value in sessions[key].items() if name != "reported_cost"}
        found |= {f"{name} of {key}": (getattr(row, name), value) for name, value in wanted.items()}
        shown = {"models": _by(row.models, "model"), "measured": _by(row.measured, "model")}
        shown |= {"agents": _by(row.agents, "agent_id"), "is_reported": row.is_reported}
        shown["is_incomplete"] = row.is_incomplete
        found |= {f"{name} of {key}": (shown[name], value) for name, value in ledgers[key].items()}
        found[f"tools of {key}"] = {name: tuple(counts) for name, *counts in row.tools if any(counts)}, tools[key]
        rows |= {(*key, task.kind, task.task_id): task_row(state, task) for task in state.take_changed()[0]}
    found["tasks"] = rows.keys(), tasks.keys()
    for node in rows.keys() & tasks.keys():
        found |= {f"{name} of {node}": (getattr(rows[node], name), value) for name, value in tasks[node].items()}
    return {name: (is_, must) for name, (is_, must) in found.items() if is_ != must}


@given(log=crowded_logs() | logs(max_size=60))
@SLOW
def test_the_fold_of_any_log_is_what_a_slow_recount_says(log: list[LogRecord]) -> None:
    """Counts, times, names, costs, work and each task equal the oracle's, to the nano-dollar."""
    assert differences(log) == {}


@given(first=st.integers(0, 1 << 32))
@settings(SLOW, max_examples=examples(50))
def test_the_fold_of_a_dense_log_is_what_a_slow_recount_says(first: int) -> None:
    """The same for logs that are dense enough to need nearly every rule. A failure shows the shortest such log."""
    for seed in range(first, first + AT_ONCE):
        facts = agent_log(seed)
        if differences(log_of([*facts])):
            facts = smallest(facts, lambda some: bool(differences(log_of([*some]))))
            pytest.fail(f"seed {seed}: {differences(log_of([*facts]))}\n" + "\n".join(map(repr, facts)))


@given(log=crowded_logs())
@settings(SLOW, max_examples=examples(50))
def test_a_state_that_was_frozen_goes_on_as_it_was(log: list[LogRecord]) -> None:
    """A state may be saved and loaded between any two records."""
    (key, whole), *_ = fold_log(log, PARTITIONS).items()
    state: SessionState | None = None
    for log_record in log:
        for row in facts_of(log_record, decode(log_record, PARTITIONS)).rows:  # type: ignore[arg-type]  # no prices in it
            state = state or begin(row)
            fold(state, row)
        assert state is not None
        state.take_changed()
        state = thaw(freeze(state))

    assert state is not None
    assert session_row(state, PRICES) == session_row(whole, PRICES), key
    whole.take_changed()
    assert freeze(state) == freeze(whole)


def _by(totals: Sequence[ModelTotals | AgentTotals], name: str) -> dict[str, dict[str, Any]]:
    fields = [one._asdict() for one in totals]
    return {one.pop(name): one for one in fields}
