"""Fixtures of the tests of the read side: `pytest_plugins = ["tests.support.rigs.query_fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.support.rigs.query_store import NOON, QueryApi, QueryStore
from tests.support.rigs.store import Options


@pytest.fixture(scope="module")
def org_store(engine: Options) -> Iterator[QueryStore]:
    """One store for the tests of a module that keep out of each other's way by their orgs."""
    store = QueryStore(engine)
    store.progress(0, 10, 10, NOON)
    yield store
    store.close()


@pytest.fixture(scope="module")
def _reused_store(engine: Options) -> Iterator[QueryStore]:
    store = QueryStore(engine)
    yield store
    store.close()


@pytest.fixture
def query_store(_reused_store: QueryStore) -> QueryStore:
    """An empty store: one partition, everything up to noon projected. (Emptied for each test, since that is quick.)"""
    _reused_store.reset()
    _reused_store.progress(0, 10, 10, NOON)
    return _reused_store


@pytest.fixture
def query_api(query_store: QueryStore) -> QueryApi:
    """The read side in front of the test's own store."""
    return QueryApi(query_store.reader)
