"""The embedded log: acknowledged records are durable, and a record that can't be stored is refused."""

import asyncio
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest.log.broken import BrokenLog
from ingest.log.sqlite import file
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from schemas.log.position import LogUnavailable
from tests.support import CHECKOUT

KEY = b"k" * 16

# Appends numbered records, eight at a time, and prints each number once it is acknowledged.
WRITER = """
import asyncio, sys
from pathlib import Path
from ingest.log.sqlite.sqlite_log import SqliteEventLog

async def write(log, worker):
    number = worker
    while True:
        position = await log.append(b"k" * 16, b"%d " % number + b"x" * 20_000)
        sys.stdout.write(f"{position.offset} {number}\\n")
        sys.stdout.flush()
        number += 8

async def main():
    log = SqliteEventLog(Path(sys.argv[1]))
    await log.start()
    await asyncio.gather(*(write(log, worker) for worker in range(8)))

asyncio.run(main())
"""


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteEventLog]:
    log = SqliteEventLog(tmp_path / "log.sqlite")
    await log.start()
    yield log
    await log.stop()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit the size of files to ``size``, which looks like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_and_kill(path: Path, after: int) -> dict[int, str]:
    """Kill a writer; return, by offset, the number of every append that was acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    return {int(offset): number for offset, number in (line.split() for line in lines)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.fault(row=1)
async def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """After kill -9 in the middle of writing, every acknowledged record is at its offset, and offsets are dense."""
    path = tmp_path / "log.sqlite"
    acknowledged = write_and_kill(path, random.Random(seed).randint(30, 300))

    log = SqliteEventLog(path)
    await log.start()
    (end,) = await log.ends()
    stored = {record.offset: record.value for record in await log.read(0, 0, end, 1 << 30)}
    again = await log.append(KEY, b"more")
    await log.stop()

    assert sorted(stored) == list(range(end))
    assert again.offset == end
    for offset, number in acknowledged.items():
        value = stored[offset]
        assert value is not None
        assert value.split(b" ")[0] == number.encode()


async def test_everything_that_waits_shares_a_commit(log: SqliteEventLog) -> None:
    """500 concurrent appends take far fewer commits, each of which is one fsync."""
    await asyncio.gather(*(log.append(KEY, b"%d" % number) for number in range(500)))

    records = await log.read(0, 0, 500, 1 << 30)
    assert [record.offset for record in records] == list(range(500))
    assert log.commits < 50


@pytest.mark.fault(row=10)
async def test_a_full_disk_is_a_503_and_passes(tmp_path: Path) -> None:
    """Appends are refused while the disk is full and accepted afterwards; refused appends take no offset."""
    broken: list[BrokenLog] = []
    log = SqliteEventLog(tmp_path / "log.sqlite", on_broken=broken.append)
    await log.start()
    await log.append(KEY, b"before")
    with file_size_limit(200_000):
        with pytest.raises(LogUnavailable):
            await log.append(KEY, b"x" * 300_000)
        small = await log.append(KEY, b"small")
    after = await log.append(KEY, b"y" * 300_000)
    await log.stop()

    assert (small.offset, after.offset) == (1, 2)
    assert broken == []


@pytest.mark.fault(row=10)
async def test_the_last_of_a_disk_is_left_alone(log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is on the same disk and must not run full; appends continue once there is more space."""
    monkeypatch.setattr(file, "FREE_BYTES_MIN", 1 << 60)
    with pytest.raises(LogUnavailable, match="MiB are free on the disk"):
        await log.append(KEY, b"too much")
    monkeypatch.undo()

    assert (await log.append(KEY, b"after")).offset == 0


def test_deleted_bytes_leave_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds even if SQLite by default only marks them as free."""
    connect = sqlite3.connect

    def connect_as_plain_builds(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_as_plain_builds)
    connection = file.open_for_writing(tmp_path / "log.sqlite")
    connection.execute(file.INSERT, (0, KEY, b"canary" * 10_000, 0))
    connection.execute("DELETE FROM records")
    connection.close()

    assert b"canary" not in (tmp_path / "log.sqlite").read_bytes()


async def test_a_busy_file_is_a_503_and_passes(log: SqliteEventLog, tmp_path: Path) -> None:
    """Another process holds the file's lock for a while."""
    other = sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable):
        await log.append(KEY, b"x")
    other.execute("ROLLBACK")
    other.close()

    assert (await log.append(KEY, b"x")).offset == 0


async def test_any_other_error_is_the_end(tmp_path: Path) -> None:
    """A missing table is not a temporary failure, so the operator has to be informed."""
    broken: list[BrokenLog] = []
    log = SqliteEventLog(tmp_path / "log.sqlite", on_broken=broken.append)
    await log.start()
    await log.append(KEY, b"x")
    other = sqlite3.connect(tmp_path / "log.sqlite")
    other.execute("DROP TABLE records")
    other.close()

    with pytest.raises(LogUnavailable):
        await log.append(KEY, b"x")
    await log.stop()

    assert len(broken) == 1
    assert "can't be written" in str(broken[0])


def test_by_default_the_end_is_an_exit_with_a_message(tmp_path: Path) -> None:
    """The process exits at once with 78 and one sentence on standard error."""
    code = WRITER.replace(
        "await log.start()", "await log.start(); log._writer._path.write_bytes(b'no database' * 9999)"
    )
    code = code.replace(
        "await log.start();", "await log.start(); await log.append(b'k', b'v'); log._writer._disconnect();"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log.sqlite")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=CHECKOUT,
    )

    assert done.returncode == 78
    assert "Error: the log" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_file_that_is_no_log_is_refused_at_the_start(tmp_path: Path) -> None:
    """The message contains its path."""
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"this is no database" * 1000)

    with pytest.raises(BrokenLog, match="can't be opened"):
        await SqliteEventLog(path).start()


async def test_what_waits_is_bounded_in_bytes(tmp_path: Path) -> None:
    """Beyond the budget an append is refused at once; once the bytes are durable there is room again."""
    log = SqliteEventLog(tmp_path / "log.sqlite", bytes_max=1_000_000)
    await log.start()
    outcomes = await asyncio.gather(*(log.append(KEY, b"x" * 400_000) for _ in range(5)), return_exceptions=True)
    later = await log.append(KEY, b"x" * 400_000)
    await log.stop()

    assert [type(outcome) for outcome in outcomes[2:]] == [LogUnavailable] * 3
    assert later.offset == 2


async def test_stopping_commits_what_waits(tmp_path: Path) -> None:
    """Appends that began before the stop succeed."""
    log = SqliteEventLog(tmp_path / "log.sqlite")
    await log.start()
    appends = [asyncio.create_task(log.append(KEY, b"%d" % number)) for number in range(100)]
    await asyncio.sleep(0)
    await log.stop()

    assert [(await append).offset for append in appends] == list(range(100))


async def test_waiting_ends_with_the_record_or_the_time(log: SqliteEventLog) -> None:
    """`wait_beyond(n)` returns once the record at n exists, at once if it does, or after its time."""
    waiting = asyncio.create_task(log.wait_beyond(1, 60))
    await log.append(KEY, b"0")
    assert not waiting.done()
    await log.append(KEY, b"1")

    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(log.wait_beyond(1, 60), 5)
    await asyncio.wait_for(log.wait_beyond(2, 0.01), 5)


async def test_a_reopened_log_goes_on_where_it_was(tmp_path: Path) -> None:
    """Offsets continue, and the records are there."""
    for number in range(3):
        log = SqliteEventLog(tmp_path / "log.sqlite")
        await log.start()
        assert await log.append(KEY, b"%d" % number) == (0, number)
        await log.wait_beyond(number, 60)
        await log.stop()
