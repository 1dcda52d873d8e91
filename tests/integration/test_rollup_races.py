"""Two writers and one bucket, on the real engine: `rollups.template.sql` writes a bucket as of a single moment.

The model check requires that of an in-memory store (`tests.properties.mutants`). These tests show it for the SQL, and
show that they detect wrong SQL.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from processors.rowbinary import encode_rows
from processors.warehouse import rollups_of
from schemas.store.rows import QUARTER_S, SessionRow
from store.connect import WRITE, connect
from tests.support.builders import NO_SESSION, ORG, T0
from tests.support.rigs.store import TestStore

HOUR = T0 // 3_600_000 * 3600
QUARTERS = rollups_of("quarters")
_WHERE = "WHERE (org_id, started_hour) IN {hours:Array(Tuple(String, DateTime('UTC')))}"
_AGAIN = f"(SELECT toUInt64(sleep(0.05))) + (SELECT sum(version) FROM sessions FINAL {_WHERE}),"
_VERSION, _SESSIONS = "of_groups[1],", "of_groups[2],"
TWO_READINGS = QUARTERS.replace(_VERSION, _AGAIN, 1)
BY_COUNT = QUARTERS.replace(_VERSION, _SESSIONS, 1)
ROUNDS = 20


def _sessions(version: int) -> bytes:
    """Return three sessions of one hour with as many events as their version, so the bucket has as many."""
    common: dict[str, Any] = {"org_id": ORG, "user_id": "alice", "started_hour": HOUR, "started_at": HOUR * 1000}
    rows = (
        SessionRow(**{**NO_SESSION, **common, "session_id": UUID(int=n), "version": version, "events": version})
        for n in (1, 2, 3)
    )
    return encode_rows(rows)


def _slow(statement: str) -> str:
    """Return the SQL with a third of a second between its read and its write."""
    return statement.replace(_WHERE, f"{_WHERE} AND sleepEachRow(0.1) = 0")


def _refresh(client: Client, statement: str) -> None:
    hours = [(ORG, HOUR)]
    client.command(statement, parameters={"seconds": QUARTER_S, "buckets": hours, "hours": hours})


def _bucket(store: TestStore) -> tuple[int, int]:
    (row,) = store.rows("SELECT version, events FROM {db}.rollups FINAL")
    return row["version"], row["events"]


@contextmanager
def _writer(store: TestStore) -> Iterator[None]:
    """Write growing sessions without end."""
    stop = threading.Event()

    def write() -> None:
        warehouse, version = store.warehouse(), 2
        while not stop.is_set():
            warehouse.insert("sessions", _sessions(version))
            version += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _mixed(store: TestStore, client: Client, statement: str, rounds: int) -> int:
    """Return how often a bucket's version did not match its content, while a writer was active."""
    store.empty()
    store.warehouse().insert("sessions", _sessions(1))
    with _writer(store):
        for n in range(rounds):
            _refresh(client, statement)
            version, events = _bucket(store)
            if version != events:
                return n + 1
    return 0


@pytest.fixture
def unpinned(shared_store: TestStore) -> Iterator[Client]:
    """Connect without the setting that makes a query see one snapshot of a table."""
    options = shared_store.address.at(shared_store.database)
    client = clickhouse_connect.get_client(settings={"enable_shared_storage_snapshot_in_query": 0}, **options)
    yield client
    client.close()


def test_content_and_version_of_a_bucket_are_of_one_moment(shared_store: TestStore, unpinned: Client) -> None:
    """This holds during any writes and without the setting that pins snapshots, because the source is read once."""
    assert _mixed(shared_store, unpinned, _slow(QUARTERS), 3) == 0
    assert _mixed(shared_store, unpinned, QUARTERS, ROUNDS) == 0


def test_two_readings_mix_moments(shared_store: TestStore, unpinned: Client) -> None:
    """The test above can fail: a second read for the version mixes moments within a few rounds."""
    assert _mixed(shared_store, unpinned, TWO_READINGS, ROUNDS) > 0


def test_the_projectors_connection_pins_snapshots(shared_store: TestStore) -> None:
    """This is a second safeguard: with it even two reads see the same moment."""
    client = connect(WRITE, **shared_store.address.at(shared_store.database))

    assert _mixed(shared_store, client, TWO_READINGS, ROUNDS // 4) == 0
    client.close()


@pytest.fixture
def late(shared_store: TestStore) -> Iterator[Client]:
    """Connect to the store, with a table for what a writer has read but not written yet."""
    client = connect(WRITE, **shared_store.address.at(shared_store.database))
    client.command("CREATE TABLE late AS rollups ENGINE Memory")
    yield client
    client.command("DROP TABLE late")
    client.close()


@pytest.mark.parametrize(("statement", "events"), [(QUARTERS, 6), (BY_COUNT, 3)], ids=["version by sum", "by count"])
def test_a_late_write_of_an_old_snapshot_does_not_win(
    shared_store: TestStore, late: Client, statement: str, events: int
) -> None:
    """The first reader that writes last loses; with the number of sessions as version it would win."""
    shared_store.empty()
    shared_store.warehouse().insert("sessions", _sessions(1))
    _refresh(late, statement.replace("INSERT INTO rollups", "INSERT INTO late"))
    shared_store.warehouse().insert("sessions", _sessions(2))
    _refresh(late, statement)

    late.command("INSERT INTO rollups SELECT * FROM late")

    assert _bucket(shared_store)[1] == events
