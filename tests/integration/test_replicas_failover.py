"""A process continues with another server of its list, and stays there. `provision` needs a majority of the servers.

The store server does not replicate. So this shows which server is used, and what a writer learns about an INSERT. Only
tests/properties/test_model_replicas.py checks that rows of one server are on the other.
"""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from prices.price_list import list_prices
from processors.rowbinary import encode_rows
from processors.warehouse import ClickHouseWarehouse
from query_api.freshness import PROGRESS
from runtime.operations.provision_store import provision_store
from schemas.store.rows import ReceiptRow
from store import migrate
from store.address import StoreAddress
from store.connect import WRITE, connect
from store.errors import StoreUnavailable
from store.reading.question import NoParams
from store.reading.reader import answer, open_reader
from store.replicas import Host, Replicas
from tests.support.rigs.served_store import Served

PARTITIONS = 3
CONTROL = "crewkit"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Served]]:
    """Start two servers with the same tables."""
    servers = [Served(tmp_path / name) for name in ("one", "other")]
    for server in servers:
        provision_store(StoreAddress(server.options, CONTROL), PARTITIONS, list_prices())
    yield servers
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)  # it may be stopped


def listed(servers: list[Served]) -> StoreAddress:
    """Return the address that lists both servers."""
    hosts = Replicas([Host("127.0.0.1", server.port) for server in servers])
    return StoreAddress({**servers[0].options, "replicas": hosts}, CONTROL)


async def test_a_reader_goes_on_at_another_server(servers: list[Served]) -> None:
    """One query may fail; the next is answered by the second server, even once the first is back."""
    store = listed(servers)
    reader = open_reader(store)
    try:
        generation = await reader.live()
        assert len(await answer(reader, generation, PROGRESS, NoParams())) == PARTITIONS
        servers[0].end()
        with pytest.raises(StoreUnavailable):
            await answer(reader, generation, PROGRESS, NoParams())  # on the lost connection

        assert len(await answer(reader, generation, PROGRESS, NoParams())) == PARTITIONS
        assert store.replicas is not None
        assert store.replicas.changes == 1

        servers[1].end()
        with pytest.raises(StoreUnavailable):
            await answer(reader, generation, PROGRESS, NoParams())
    finally:
        reader.close()


def receipts(*offsets: int) -> bytes:
    """Return rows as a projector writes them."""
    return encode_rows(
        ReceiptRow(0, offset, UUID(int=offset), "projected", "acme", UUID(int=1), "created", 0, 1, 1, "")
        for offset in offsets
    )


def test_a_writer_goes_on_at_another_server(servers: list[Served]) -> None:
    """If the server dies, an INSERT's outcome is unknown, so it raises; sent again, the second server stores it."""
    store = listed(servers)
    warehouse = ClickHouseWarehouse(partial(connect, WRITE, **store.at(store.database("g1"))), CONTROL, "g1")
    with ThreadPoolExecutor(1) as pool:  # one thread has one connection
        pool.submit(warehouse.insert, "receipts", receipts(0, 1)).result(timeout=60)
        servers[0].process.send_signal(signal.SIGSTOP)
        interrupted = pool.submit(warehouse.insert, "receipts", receipts(2, 3))
        with pytest.raises(FutureTimeout):
            interrupted.result(timeout=1)  # it has been sent, and waits
        servers[0].end(signal.SIGKILL)
        with pytest.raises(StoreUnavailable):
            interrupted.result(timeout=60)
        assert store.replicas is not None
        assert store.replicas.changes == 0  # nothing was sent again silently
        for again in (receipts(2, 3), receipts(2, 3), receipts(4)):
            pool.submit(warehouse.insert, "receipts", again).result(timeout=60)

    assert store.replicas.changes == 1
    assert warehouse.holes(0, 0, 5) == [(0, 2)]  # a real replica would have these from the first server
    last = warehouse.last_receipt(0)
    assert last is not None
    assert last.offset == 4


@pytest.fixture
def plain_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Create databases and tables without replication, since the store server supports no others."""
    monkeypatch.setattr(migrate, "_create_database", lambda name, **_: f"CREATE DATABASE IF NOT EXISTS `{name}`")
    monkeypatch.setattr(migrate, "_check_macros", lambda *_: None)
    monkeypatch.setattr(migrate, "replicated", str)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Served]]:
    servers = [Served(tmp_path / str(number)) for number in range(3)]
    yield servers
    for server in servers:
        if server.process.poll() is None:
            server.end()


@pytest.mark.usefixtures("plain_tables")
def test_provision_goes_on_with_a_majority(three: list[Served]) -> None:
    """The output names the server that is down, and what to do; once it is back, it gets its databases."""
    store = listed(three)
    three[2].end()

    away = f"127.0.0.1:{three[2].port} does not answer"
    done = provision_store(store, PARTITIONS, list_prices())
    named = [line for line in done if away in line]
    assert [line.partition(":")[0] for line in named] == [CONTROL, f"{CONTROL}_g1"]
    assert all("run `provision` again when it is back" in line for line in named)
    assert f"{CONTROL}: 0001_generations.sql" in done
    assert "generation g1, live" in done

    three[2] = Served(three[2].path, three[2].port)
    assert provision_store(store, PARTITIONS, list_prices()) == []
    with closing(three[2].client()) as client:
        made = client.query("SELECT name FROM system.databases WHERE startsWith(name, 'crewkit') ORDER BY 1")
        assert made.result_rows == [(CONTROL,), (f"{CONTROL}_g1",)]


@pytest.mark.usefixtures("plain_tables")
def test_provision_needs_a_majority(three: list[Served]) -> None:
    """A database that only a minority has could be created twice. The error is that of a store that is down."""
    for server in three[:2]:
        server.end()

    with pytest.raises(StoreUnavailable):
        provision_store(listed(three), PARTITIONS, list_prices())
