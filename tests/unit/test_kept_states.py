"""The states of long sessions are saved: when, and what a projector reads if it begins with one."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.flow.observer import Observers
from processors.pipeline import Pipeline
from processors.projections import states
from processors.projections.states import FACTS_MIN, GROWTH, is_kept
from processors.warehouse import SessionKey
from schemas.log.position import LogRecord
from schemas.store.rows import FactRow
from tests.support.builders import LogBuilder
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.oracles.model_worker import make_pipeline
from tests.support.rigs.projection import ListedLog
from tests.support.strategies import PARTITIONS, one_event


def test_a_short_session_is_not_kept() -> None:
    """Its facts are folded just as fast."""
    assert not any(is_kept(facts, facts + 1) for facts in range(FACTS_MIN - 1))
    assert is_kept(FACTS_MIN - 1, FACTS_MIN)


@given(cuts=st.lists(st.integers(1, 30_000), min_size=1, max_size=60))
def test_few_facts_are_behind_the_kept_state_of_a_long_session(cuts: list[int]) -> None:
    """In any batches: at most a ninth of the facts plus the next batch, with only a few saved states in total."""
    facts, kept, times = 0, 0, 0
    for more in cuts:
        if is_kept(facts, facts + more):
            kept, times = facts + more, times + 1
        facts += more
        assert facts < FACTS_MIN or facts < kept * GROWTH + 1
    assert FACTS_MIN * GROWTH ** (times - 2) <= facts or times < 2


class Asked(FakeWarehouse):
    """Records which facts are read."""

    def __init__(self) -> None:
        super().__init__(PARTITIONS)
        self.read: list[int] = []  # starting from which offset

    def facts(self, sessions: Sequence[SessionKey], below: int, since: int = 0) -> list[FactRow]:
        self.read.append(since)
        return super().facts(sessions, below, since)


async def projected(store: FakeWarehouse, log: list[LogRecord], start: int) -> Pipeline:
    """Project a log from a record on, one record per batch, as a process that has just started."""
    pipeline = make_pipeline(store, ListedLog(log, PARTITIONS), 1 << 30, Observers())
    for record in log[start:]:
        await pipeline.project([record])
    await pipeline.drain()
    return pipeline


def rows_of_the_log(store: FakeWarehouse) -> dict[str, Any]:
    """Return all tables except the marks, which depend on when a process began."""
    return {table: rows for table, rows in store.tables.items() if table != "dense_receipts"}


async def test_a_start_reads_what_is_behind_the_kept_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables equal those of a process that never stopped."""
    monkeypatch.setattr(states, "FACTS_MIN", 8)
    log = LogBuilder(PARTITIONS).add(*map(one_event, range(20)))
    store, clean = Asked(), FakeWarehouse(PARTITIONS)
    await projected(clean, log, 0)

    await projected(store, log[:19], 0)
    store.read.clear()
    await projected(store, log, 19)

    (row,) = store.rows("session_states")
    assert store.read == [row.version]
    assert 17 <= row.version <= 19
    assert rows_of_the_log(store) == rows_of_the_log(clean)


async def test_a_kept_state_of_another_layout_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example after an upgrade whose states have other fields: all facts are folded."""
    monkeypatch.setattr(states, "FACTS_MIN", 8)
    log = LogBuilder(PARTITIONS).add(*map(one_event, range(20)))
    store, clean = Asked(), FakeWarehouse(PARTITIONS)
    await projected(clean, log, 0)
    with monkeypatch.context() as before:
        before.setattr(states, "LAYOUT", 7)
        await projected(store, log[:19], 0)
    store.read.clear()

    await projected(store, log, 19)

    assert store.read == [0]
    assert store.rows("sessions") == clean.rows("sessions")


async def test_what_is_projected_again_reads_no_state_from_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record in the middle is repeated: the state is folded from the facts before it."""
    monkeypatch.setattr(states, "FACTS_MIN", 8)
    log = LogBuilder(PARTITIONS).add(*map(one_event, range(20)))
    store, clean = Asked(), FakeWarehouse(PARTITIONS)
    await projected(clean, log, 0)
    await projected(store, log, 0)
    store.read.clear()

    await projected(store, log[:11], 10)

    assert 0 in store.read
    assert rows_of_the_log(store) == rows_of_the_log(clean)
    assert store.conflicts == []
