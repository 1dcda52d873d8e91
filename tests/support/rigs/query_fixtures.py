"""Fixtures for tests of the read side: `pytest_plugins = ["tests.support.rigs.query_fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.support.rigs.query_store import NOON, QueryApi, QueryStore
from tests.support.rigs.store import Options


@pytest.fixture(scope="module")
def org_store(engine: Options) -> Iterator[QueryStore]:
    """Share one store among the tests of a module, each of which uses its own orgs."""
    store = QueryStore(engine)
    store.progress(0, 10, 10, NOON)
    yield store
    store.close()


@pytest.fixture(scope="session")
def _reused_store(engine: Options) -> Iterator[QueryStore]:
    store = QueryStore(engine)
    yield store
    store.close()


@pytest.fixture
def query_store(_reused_store: QueryStore) -> QueryStore:
    """Return an empty store: one partition, everything up to noon projected. Emptying it is fast, so each test does."""
    _reused_store.reset()
    return _reused_store


@pytest.fixture
def query_api(query_store: QueryStore) -> QueryApi:
    """Run the read side in front of the test's own store."""
    return QueryApi(query_store.reader)
