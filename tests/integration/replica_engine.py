"""The in-process engine as one replica: its tables really replicate, coordinated by a ZooKeeper.

A replica publishes the address from which others fetch parts. Only `clickhouse-server` sets that address, and
without one the engine leaves every replicated table read-only. So this writes the address into the engine's memory, in
the test's child process. Two things remain impossible. Nothing listens at that address, so no replica can fetch a part
from another. And a database with the engine `Replicated` needs threads that only `clickhouse-server` starts, so the
databases are plain.

The functions run in separate processes, see `personas.py`. Paths above 22 characters are stored elsewhere.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

from prices.price_list import list_prices
from processors import warehouse
from runtime.operations.provision_store import provision_store
from store import migrate
from store.address import StoreAddress
from store.connect import PLAIN, Client, connect
from store.generations import FIRST_GENERATION
from store.replicas import Host, Replicas
from tests.support.rigs import whole_store
from tests.support.rigs.store import TABLES

CONFIG = """
<zookeeper><node><host>127.0.0.1</host><port>{port}</port></node><session_timeout_ms>4000</session_timeout_ms></zookeeper>
<macros><shard>1</shard><replica>{replica}</replica></macros>
<default_replica_path>/clickhouse/tables/{{database}}/{{table}}/{{shard}}</default_replica_path>
<default_replica_name>{{replica}}</default_replica_name>
"""
_ENGINES = """
SELECT concat(database, '.', name), engine FROM system.tables WHERE startsWith(database, 'crewkit') ORDER BY 1
"""
_REPLICAS = "SELECT DISTINCT is_readonly, total_replicas, active_replicas FROM system.replicas"
_OPEN: list[Client] = []  # including after an error, which drops local variables
_HOST, _PORT = b"127.0.0.1", 9
# From the address to the folder of the data: host, port, scheme, credentials.
_SEARCHES = 10
_BEFORE_FOLDER = 24 + 8 + 24 + 56


class NotFound(Exception):
    """The engine's memory is not as expected: another version of chDB lays it out differently."""


def everything(options: dict[str, Any], hosts: int) -> dict[str, Any]:
    """Provision, project, repair and ask everything; return the results of `whole_store`, and the engines.

    ``hosts``: the number of replicas in the store's address; 0: the engine is an ordinary one.
    """
    with as_replica(options, hosts) as (store, client):
        return {
            "made_again": whole_store.make(store.options),
            "used": whole_store.project(store.options),
            "asked": whole_store.ask(store.options),
            "engines": dict(client.query(_ENGINES).result_rows),
            "replicas": client.query(_REPLICAS).result_rows,
        }


def project(options: dict[str, Any], hosts: int) -> dict[str, Any]:
    """Provision, project a log and repair sessions; return the rows of each table, the engines and the replicas."""
    with as_replica(options, hosts) as (store, client):
        provision_store(store, whole_store.PARTITIONS, list_prices())
        whole_store.project_first(store.options)
        database = store.database(FIRST_GENERATION)
        rows = {table: client.query(f"SELECT count() FROM {database}.{table} FINAL").result_rows for table in TABLES}
        return {
            "rows": rows,
            "engines": dict(client.query(_ENGINES).result_rows),
            "replicas": client.query(_REPLICAS).result_rows,
        }


def provision(options: dict[str, Any], hosts: int) -> list[str]:
    """Provision as the command does, without requests; return what was done."""
    with as_replica(options, hosts) as (store, _):
        return provision_store(store, whole_store.PARTITIONS, list_prices())


@contextmanager
def as_replica(options: dict[str, Any], hosts: int) -> Iterator[tuple[StoreAddress, Client]]:
    """Open the engine, as a replica if there are ``hosts``; yield its address, and a client that keeps it open.

    It is never closed: without a server's threads, shutting a replica down hangs. The child process exits at once.
    """
    client = connect(PLAIN, **options)
    _OPEN.append(client)
    if not hosts:
        yield StoreAddress(options), client
        return
    _write_address(options["path"].partition("?")[0])
    listed = Replicas([Host("127.0.0.1", 1 + number) for number in range(hosts)])
    plain = patch.object(migrate, "_create_database", lambda name, **_: f"CREATE DATABASE IF NOT EXISTS `{name}`")
    # Rows are sent as to a server, not through a file in memory.
    with plain, patch.object(warehouse, "AVAILABLE", False):
        yield StoreAddress({**options, "replicas": listed}), client


def _write_address(folder: str) -> None:
    """Write the address at which the server could be reached. Raises `NotFound`."""
    address = _HOST.ljust(23, b"\0") + bytes([len(_HOST)]) + struct.pack("<Q", _PORT)
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        for _ in range(_SEARCHES):  # the engine's threads map and unmap memory meanwhile
            places = [place for start, end in _writable() for place in _places(memory, start, end, folder)]
            if places:
                break
        if len(places) != 1:
            raise NotFound(f"{len(places)} places look like the engine's configuration")
        memory.seek(places[0])
        memory.write(address)


def _writable() -> Iterator[tuple[int, int]]:
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, *_ = line.split()
        if rights.startswith("rw"):
            start, end = addresses.split("-")
            yield int(start, 16), int(end, 16)


def _places(memory: BinaryIO, start: int, end: int, folder: str) -> Iterator[int]:
    """Yield the places where the address belongs: empty, and followed by the folders of the data and of flags."""
    data, size = re.escape(f"{folder}/".encode()), len(folder) + 1
    # The pattern counts zeros, so that the pattern itself, which is in memory too, does not match.
    folders = rb"%b\0{%d}%b%bflags/\0" % (data, 23 - size, re.escape(bytes([size])), data)
    held = _read(memory, start, end)
    for found in re.finditer(folders, held):
        place = found.start() - _BEFORE_FOLDER
        if place >= 0 and not held[place : found.start()].strip(b"\0"):
            yield start + place


def _read(memory: BinaryIO, start: int, end: int) -> bytes:
    """Return the memory there, up to what belongs to the kernel or was freed since it was listed."""
    held = bytearray()
    with suppress(OSError, OverflowError, ValueError):
        memory.seek(start)
        while part := memory.read(end - start - len(held)):  # one call may return less
            held += part
    return bytes(held)
