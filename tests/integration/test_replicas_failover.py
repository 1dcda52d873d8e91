"""A process that reads goes on at another server of its list, and stays there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from query_api.freshness import PROGRESS
from query_api.question import NoParams
from query_api.reader import answer, open_reader
from runtime.provision import provision_store
from schemas.pricing.price_list import list_prices
from store.address import StoreAddress
from store.errors import StoreUnavailable
from store.replicas import Host, Replicas
from tests.support.rigs.served_store import Served

PARTITIONS = 3
CONTROL = "crewkit"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Served]]:
    """Start two servers with the same tables. The store server does not replicate: nothing is written here."""
    servers = [Served(tmp_path / name) for name in ("one", "other")]
    for server in servers:
        provision_store(StoreAddress(server.options, CONTROL), PARTITIONS, list_prices())
    yield servers
    for server in servers:
        if server.process.poll() is None:
            server.end()


def listed(servers: list[Served]) -> StoreAddress:
    """Return the address that lists both."""
    hosts = Replicas([Host("127.0.0.1", server.port) for server in servers])
    return StoreAddress({**servers[0].options, "replicas": hosts}, CONTROL)


async def test_a_reader_goes_on_at_another_server(servers: list[Served]) -> None:
    """One answer may fail; the next comes from the second server, also once the first is back."""
    store = listed(servers)
    reader = open_reader(store)
    try:
        generation = await reader.live()
        assert len(await answer(reader, generation, PROGRESS, NoParams())) == PARTITIONS
        servers[0].end()
        with pytest.raises(StoreUnavailable):
            await answer(reader, generation, PROGRESS, NoParams())  # by the connection that is lost

        assert len(await answer(reader, generation, PROGRESS, NoParams())) == PARTITIONS
        assert store.replicas is not None
        assert store.replicas.changes == 1

        servers[1].end()
        with pytest.raises(StoreUnavailable):
            await answer(reader, generation, PROGRESS, NoParams())
    finally:
        reader.close()
