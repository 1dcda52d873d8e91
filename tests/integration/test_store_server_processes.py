"""The process of the store server: load, kill -9, a second server on its directory, SIGTERM."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lz4.frame
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from tests.support import CHECKOUT
from tests.support.rigs.served_store import LOGIN, SERVE, Served, ask, row, wait_until

pytest_plugins = ["tests.support.rigs.store_server_fixtures"]


def test_mixed_load_from_many_connections(served: Served, client: Any, table: str) -> None:
    """Inserts, reads, streams, errors and DDL run at once: no wrong answer and no lost acknowledged row."""

    def insert(_: int) -> None:
        with contextlib.closing(served.client(database="t")) as own:
            block = b"".join(row(number, b"\n" * 50) for number in range(5000))
            for _ in range(10):
                own.raw_insert(table, ["id", "text"], lz4.frame.compress(block), fmt="RowBinary", compression="lz4")

    def read(worker: int) -> None:
        with contextlib.closing(served.reader(database="t")) as own:
            for _ in range(5):
                assert own.query("SELECT {n:UInt32}", parameters={"n": worker}).first_row == (worker,)
                assert len(own.query("SELECT number FROM numbers(100000)").result_rows) == 100_000
                with pytest.raises(DatabaseError):
                    own.query("SELECT * FROM nothing")

    def change(worker: int) -> None:
        with contextlib.closing(served.client(database="t")) as own:
            for _ in range(5):
                own.command(f"CREATE OR REPLACE TABLE change_{worker} (a UInt8) ENGINE = MergeTree ORDER BY a")
                own.command(f"INSERT INTO change_{worker} VALUES (1)")
                assert own.query(f"SELECT count() FROM change_{worker}").first_row == (1,)

    with ThreadPoolExecutor(12) as threads:
        jobs = [threads.submit(job, worker) for job in (insert, read, change) for worker in range(4)]
        for job in jobs:
            job.result()

    assert client.query(f"SELECT count() FROM {table}").first_row == (4 * 10 * 5000,)


def test_kill_9_during_inserts_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """The killed server is up again within seconds, with every acknowledged block, each complete."""
    server = Served(tmp_path)
    with contextlib.closing(server.client()) as client:
        client.command("CREATE DATABASE t ENGINE = Atomic")
        client.command("CREATE TABLE t.k (id UInt32, text String) ENGINE = MergeTree ORDER BY id")
    acknowledged: list[list[int]] = [[], []]

    def insert(worker: int) -> None:
        with contextlib.suppress(ClickHouseError), contextlib.closing(server.client(query_retries=0)) as own:
            for number in range(worker, 1_000_000, 2):
                own.raw_insert("t.k", None, row(number, b"\n") * 1000, fmt="RowBinary")
                acknowledged[worker].append(number)

    threads = [threading.Thread(target=insert, args=(worker,)) for worker in (0, 1)]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(map(len, acknowledged)) > 20)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    for thread in threads:
        thread.join()
    begin = time.monotonic()
    again = Served(tmp_path, server.port)
    up_after = time.monotonic() - begin
    with contextlib.closing(again.client()) as client:
        counts = dict(client.query("SELECT id, count() FROM t.k GROUP BY id").result_rows)
    again.end()

    assert {number for numbers in acknowledged for number in numbers} <= counts.keys()
    assert set(counts.values()) == {1000}
    assert up_after < 5


@pytest.mark.fault(row=24)
def test_a_second_server_on_the_directory_says_what_to_do(served: Served) -> None:
    """The second exits at once, names the first, and does not affect it."""
    path = Path("/proc", str(served.process.pid), "fd", _status_descriptor(served.process.pid)).readlink().parent
    second = subprocess.run(
        [sys.executable, "-c", SERVE, str(path), "0"], cwd=CHECKOUT, capture_output=True, text=True, timeout=20
    )

    assert second.returncode == 1
    assert f"PID: {served.process.pid}" in second.stderr
    assert "choose another directory" in second.stderr
    assert "Traceback" not in second.stderr
    assert ask(served, "SELECT 1")[0] == 200


def _status_descriptor(pid: int) -> str:
    links = Path(f"/proc/{pid}/fd").iterdir()
    return next(link.name for link in links if link.readlink().name == "status")


def test_sigterm_lets_requests_end_and_stops_in_time(tmp_path: Path) -> None:
    """A running request is answered, an endless one stopped; idle and stalled clients cause no delay."""
    server = Served(tmp_path)
    idle = server.http()
    idle.request("POST", "/", "SELECT 1", LOGIN)
    idle.getresponse().read()
    stalled = socket.create_connection(("127.0.0.1", server.port))
    login = "".join(f"{name}: {value}\r\n" for name, value in LOGIN.items())
    stalled.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{login}Content-Length: 100\r\n\r\nSELECT".encode())
    long = "SELECT sum(cityHash64(number)) FROM numbers(100000000000) SETTINGS max_threads = 1"
    with ThreadPoolExecutor(2) as threads:
        short = threads.submit(ask, server, "SELECT sleep(1)")
        endless = threads.submit(ask, server, long)
        time.sleep(0.5)
        begin = time.monotonic()
        code = server.end()
        elapsed = time.monotonic() - begin

    assert (code, short.result()[0], endless.result()[0]) == (0, 200, 500)
    assert elapsed < 10
    assert stalled.recv(1) == b""
