"""Fixtures for tests of the proof: `pytest_plugins = ["tests.support.rigs.prove_fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.support.rigs.store import TestStore
from tests.support.rigs.two_generations import TwoGenerations


@pytest.fixture(scope="module")
def both(shared_store: TestStore) -> Iterator[TwoGenerations]:
    """Provide two generations that each test empties and fills."""
    made = TwoGenerations(shared_store)
    yield made
    made.end()
