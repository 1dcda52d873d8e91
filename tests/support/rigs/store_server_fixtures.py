"""Fixtures for tests of the store server: `pytest_plugins = ["tests.support.rigs.store_server_fixtures"]`."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import clickhouse_connect
import pytest

from tests.support.rigs.served_store import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("store"))
    with contextlib.closing(server.client()) as client:
        client.command("CREATE DATABASE t ENGINE = Atomic")
    yield server
    if server.process.poll() is None:
        server.end()


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    with contextlib.closing(served.client(database="t")) as client:
        yield client


@pytest.fixture
def reader(served: Served) -> Iterator[Any]:
    with contextlib.closing(served.reader(database="t")) as client:
        yield client


@pytest.fixture
async def aclient(served: Served) -> AsyncIterator[Any]:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=served.port, username="writer", password="w-secret", database="t"
    )
    yield client
    await client.close()


@pytest.fixture
def table(client: Any) -> str:
    name = f"t_{uuid4().hex}"
    client.command(f"CREATE TABLE {name} (id UInt32, text String) ENGINE = MergeTree ORDER BY id")
    return name
