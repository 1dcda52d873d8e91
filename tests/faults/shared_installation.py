"""Shared by tests of faults: an installation that each test leaves healthy, and the clients of one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from tests.chaos.targets import Target
from tests.support.clients.load import RATE, Load
from tests.support.oracles.checker import nothing_left
from tests.support.rigs.installation import Installation
from tests.support.rigs.supervised import is_alive

T = TypeVar("T", bound=Target)


@contextmanager
def running(target: T) -> Iterator[T]:
    """Start the installation; at the end, check that SIGTERM ends all its processes within 20 s."""
    with ended(target):
        target.start()
        yield target


@contextmanager
def ended(target: Installation) -> Iterator[None]:
    """Check the same for an installation that is started inside the block."""
    try:
        yield
        pids = target.pids()
        assert target.stop() == 0, "SIGTERM ends everything within 20 s"
        assert nothing_left(target, pids, is_alive) == []
    finally:
        target.end()


def load_of(test: pytest.FixtureRequest, target: Target, seed: int, rate: float = RATE) -> Load:
    """Return clients in two orgs that no other test uses."""
    print(f"seed {seed}")
    name = f"{abs(hash(test.node.name)):x}"
    return Load(target.through_proxy, (f"a{name}", f"b{name}"), seed, rate)
