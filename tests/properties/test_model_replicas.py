"""The model check of the projection over three replicas that lag: see `tests/properties/test_model.py`.

Workers switch replicas at any time, replicas fetch missing entries in any order, and one may be lost permanently.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.test_model import (
    ARE_FIXED,
    EXAMPLES,
    Projection,
    alive,
    check_model,
    crowd,
    in_parts,
    search_mistake,
    which,
)
from tests.support.fakes.replicas import COPIES, Replicas, ReplicaView
from tests.support.oracles.model import World
from tests.support.oracles.model_recount import Violation
from tests.support.oracles.model_worker import PARTITIONS


class ReplicatedWorld(World):
    """``store`` is the union of the replicas. Every promise about the store is a promise about this union."""

    def __init__(self) -> None:
        super().__init__()
        self.replicas = Replicas(self.store, PARTITIONS)
        self._views: dict[str, ReplicaView] = {}
        self._reader = ReplicaView(self.replicas, COPIES - 1)

    def warehouse(self, worker: str) -> ReplicaView:
        """Return its access to the replica that it used before, at first the first one."""
        return self._views.setdefault(worker, ReplicaView(self.replicas, 0))

    def fail_over(self, worker: str, host: int) -> None:
        """Let a worker use another replica from its next call on; its last call on the previous one got no answer."""
        self.warehouse(worker).use(host)

    def lose(self, host: int) -> None:
        """Lose a replica permanently; an empty one takes its place."""
        self.replicas.lose(host)
        for view in self._views.values():
            if view.host == host:
                view.use((host + 1) % COPIES)
        self.check()

    def read(self, host: int) -> None:
        """Read on any replica, as `store.reading.reader` does: all that the marks claim must be visible there."""
        self._reader.host = host
        marks = self.marks_of(self._reader.copy)
        self._reader.catch_up_all()
        self.check_rollups_of(self._reader.copy, marks)


hosts = st.integers(0, COPIES - 1)


class OverReplicas(Projection):
    """The same steps, and those that only replicas have."""

    world: ReplicatedWorld

    def new_world(self) -> ReplicatedWorld:
        return ReplicatedWorld()

    # Replicas do not protect against losing what a majority had.
    def lose_receipts(self) -> None: ...

    def come_back_older(self) -> None: ...

    @alive
    @rule(nth=which, host=hosts)
    def fail_over(self, nth: int, host: int) -> None:
        """A worker's replica no longer answers, and another one does."""
        name = self._worker(nth)
        self.world.fail_over(name, host)
        self._did(f"{name} uses replica {host}")

    @rule(host=hosts, some=st.lists(st.integers(0, 1000), max_size=10))
    def replicate(self, host: int, some: list[int]) -> None:
        """A replica fetches some missing entries, in either order."""
        for nth in some:
            self.world.replicas.fetch_some(host, nth)

    @rule(host=hosts)
    def lose_a_replica(self, host: int) -> None:
        """The disk of a replica is lost."""
        self.world.lose(host)
        self._did(f"replica {host} is lost")

    @rule(host=hosts)
    def read(self, host: int) -> None:
        """A dashboard reads from any replica."""
        self.world.read(host)
        self._did(f"what replica {host} claims is there")

    @alive
    @rule(nth=which, host=hosts, some=crowd, calls=st.integers(0, 12))
    def fail_over_in_a_batch(self, nth: int, host: int, some: list[Any], calls: int) -> None:
        """The replica changes after any of a batch's calls, and the rollups follow."""
        name = self._worker(nth)
        self._begin_batch(name, some, (3, 3))
        self.answer_in_turns(name * calls)
        self.fail_over(nth, host)
        self.answer_in_turns(name * 40)
        self._did(self.world.roll_up(name))
        self.answer_in_turns(name * 40 + "c")


def check_over_replicas(machine: type[Projection] = OverReplicas, **options: Any) -> None:
    """Run the machine with its patches."""
    check_model(machine, **options)


@pytest.mark.timeout(1_200 + EXAMPLES)
@pytest.mark.slow
def test_replicas_that_lag_change_no_number() -> None:
    """Nothing that a majority has is lost, nothing is computed from less than there is, and no claim is untrue."""
    check_over_replicas(max_examples=EXAMPLES // 2, derandomize=ARE_FIXED)


def _without(tables: tuple[str, ...]) -> AbstractContextManager[Any]:
    real = ReplicaView.catch_up

    def catch_up(self: ReplicaView, asked: Any) -> None:
        real(self, [table for table in asked if table not in tables])

    return patch.object(ReplicaView, "catch_up", catch_up)


MISTAKES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no look at sessions before the quarters": lambda: _without(("sessions",)),
    "no look at amounts before the quarters": lambda: _without(("amounts",)),
    "no look at quarters before the days": lambda: _without(("rollups",)),
    "no look at facts before a fold": lambda: _without(("facts", "session_states")),
    "no majority": lambda: patch.object(ReplicaView, "quorum", False),
    "a reader that believes its replica": lambda: patch.object(ReplicaView, "catch_up_all", lambda _self: None),
}


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("name", in_parts(MISTAKES, ["no look at sessions before the quarters"]))
def test_each_mistake_with_replicas_is_caught(name: str) -> None:
    """The model check fails for each, so every rule of `store.replicas` is needed."""
    with MISTAKES[name](), pytest.raises(Violation) as caught:
        search_mistake(check_over_replicas, OverReplicas)

    print(f"{name}: caught by “{caught.value.promise}”")
