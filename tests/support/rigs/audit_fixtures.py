"""Fixtures for tests of the audit: `pytest_plugins = ["tests.support.rigs.audit_fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.support.rigs.audited import Operations, worked_on
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS


@pytest.fixture
def operations(emptied_store: TestStore) -> Iterator[Operations]:
    """Provide the routes over an empty store."""
    running = Operations(emptied_store)
    yield running
    running.reader.close()


@pytest.fixture(scope="module")
def drawn(engine: Options) -> Iterator[Operations]:
    """Provide the routes over a store for logs that hypothesis draws."""
    for store in new_store(new_address(engine), PARTITIONS):
        running = Operations(store)
        yield running
        running.reader.close()


@pytest.fixture
async def filled(operations: Operations) -> Operations:
    """Provide the routes over a store into which `worked_on` was projected."""
    await operations.project(worked_on().records)
    return operations
