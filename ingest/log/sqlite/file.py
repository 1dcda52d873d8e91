"""The file of the embedded log: its table (dense offsets from 0), free disk space, errors, and the writer.

One thread writes. All waiting records are committed together, with one fsync.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from ingest.log.broken import BrokenLog, OnBroken
from schemas.log.position import LogRecord, LogUnavailable
from schemas.log.topics import erasures_id, record_key
from store.fail_points import fail_point

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    "offset" INTEGER PRIMARY KEY,
    "key" BLOB, -- garbage imported from Kafka may have no key or no value
    value BLOB,
    timestamp_ms INTEGER NOT NULL
) STRICT
"""
END = 'SELECT coalesce(max("offset"), -1) + 1 FROM records'
INSERT = 'INSERT INTO records ("offset", "key", value, timestamp_ms) VALUES (?, ?, ?, ?)'
READ = """
SELECT "offset", "key", value, timestamp_ms
FROM records
WHERE "offset" >= ? AND "offset" < ?
ORDER BY "offset"
"""
OF_KEY = """
SELECT "offset", "key", value, timestamp_ms
FROM records
WHERE "key" = ? AND "offset" >= ?
ORDER BY "offset"
"""
PARTITION = 0  # the only one
ERASURES = record_key(erasures_id(PARTITION, 1))  # the key of their records
_OF_ERASURES = f"\"key\" = x'{ERASURES.hex()}'"  # in full: an index of some rows is used for its own condition only
_ERASURES_INDEX = f'CREATE INDEX IF NOT EXISTS erasures ON records ("offset") WHERE {_OF_ERASURES}'
_ERASURES_FROM = OF_KEY.replace('"key" = ?', _OF_ERASURES)
_PAGE_BYTES = 16_384  # records are tens of kilobytes; small pages would make long chains
_WAL_PAGES_MAX = 2_048  # 32 MiB between checkpoints
_BUSY_S = 2.0
_COMMIT_BYTES_MAX = 16 * 1024 * 1024
# The store of `up` is on the same disk and leaves twice as much free: the disk must not fill up during its writes.
FREE_BYTES_MIN = 128 * 1024 * 1024

T = TypeVar("T")
_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# A full disk or quota can also cause these. The write that they interrupt is not committed.
_PASSING_IO = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE}


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, create it if missing. A commit returns after fsync."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES_MAX}")
    connection.execute("PRAGMA secure_delete = ON")  # the default depends on how SQLite was built
    connection.execute(SCHEMA)
    connection.execute(_ERASURES_INDEX)
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a second connection; reads and the writer do not wait for each other."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open an existing file that another process may write. The connection can't change it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)


def read_window(connection: sqlite3.Connection, start: int, stop: int, bytes_max: int) -> list[LogRecord]:
    """Return records of ``[start, stop)`` in order, about ``bytes_max`` bytes of them, but at least one if any."""
    return _some(connection.execute(READ, (start, stop)), bytes_max)


def read_key(connection: sqlite3.Connection, key: bytes, start: int, bytes_max: int) -> list[LogRecord]:
    """Return the same for the records with a key, from the offset ``start`` on."""
    return _some(connection.execute(OF_KEY, (key, start)), bytes_max)


def read_erasures(connection: sqlite3.Connection, start: int, bytes_max: int) -> list[LogRecord]:
    """Return the same for the records of erasures, without a search through the others."""
    return _some(connection.execute(_ERASURES_FROM, (start,)), bytes_max)


def _some(rows: Iterable[tuple[int, bytes | None, bytes | None, int]], bytes_max: int) -> list[LogRecord]:
    records: list[LogRecord] = []
    size = 0
    for offset, key, value, timestamp_ms in rows:
        records.append(LogRecord(PARTITION, offset, key, value, timestamp_ms))
        size += len(value or b"")
        if size >= bytes_max:
            break
    return records


def end_of(connection: sqlite3.Connection) -> int:
    """Return the next offset."""
    return int(connection.execute(END).fetchone()[0])


def has_room(path: Path) -> bool:
    """Return whether the disk has `FREE_BYTES_MIN` or more left."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize >= FREE_BYTES_MIN


def will_pass(error: sqlite3.Error) -> bool:
    """Return whether the disk is full or the file is busy: nothing was committed, and a retry may succeed."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF in _PASSING or code in _PASSING_IO


class Pending(NamedTuple):
    """A record that waits for its commit; ``done`` receives its offset."""

    key: bytes
    value: bytes
    done: "asyncio.Future[int]"


class Work(NamedTuple):
    """Something else to do with the file, between two commits; ``done`` receives the result."""

    do: Callable[[sqlite3.Connection], Any]
    done: "Future[Any]"


Settle = Callable[[Sequence[Pending], int | LogUnavailable], None]


class SqliteWriter:
    """Owns the connection, and calls ``settle`` in this thread with a commit's first offset or its error."""

    def __init__(self, path: Path, settle: Settle, on_broken: OnBroken) -> None:
        self._path = path
        self._settle = settle
        self._on_broken = on_broken
        self._waiting: SimpleQueue[Pending | Work | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = open_for_writing(path)
        self.end = end_of(self._connection)
        self._thread = threading.Thread(target=self._run, name="sqlite-log", daemon=True)
        self._thread.start()

    def put(self, pending: Pending) -> None:
        """Queue a record; returns at once."""
        self._waiting.put(pending)

    def run(self, do: Callable[[sqlite3.Connection], Any]) -> "Future[Any]":
        """Queue something else to do with the file. It raises `LogUnavailable` if that may succeed later."""
        work = Work(do, Future())
        self._waiting.put(work)
        return work.done

    def close(self) -> None:
        """Commit the waiting records, then close the file."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        going_on = True
        while going_on:
            batch, then = self._take_all()
            if batch:
                self._settle(batch, self._try(partial(self._commit, batch)))
            if isinstance(then, Work):
                self._finish(then, self._try(then.do))
            going_on = then is not None
        self._disconnect()

    def _take_all(self) -> tuple[list[Pending], Work | bool | None]:
        """Wait for a record; return all that wait, and what is to be done after them, if anything. None: the end."""
        batch: list[Pending] = []
        size = 0
        item = self._waiting.get()
        while isinstance(item, Pending):
            batch.append(item)
            size += len(item.value)
            if size >= _COMMIT_BYTES_MAX:
                return batch, True
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return batch, True
        return batch, item

    def _finish(self, work: Work, outcome: Any) -> None:
        if isinstance(outcome, LogUnavailable):
            work.done.set_exception(outcome)
        else:
            work.done.set_result(outcome)

    def _try(self, do: Callable[[sqlite3.Connection], T]) -> T | LogUnavailable:
        if not has_room(self._path.parent):
            return LogUnavailable(f"less than {FREE_BYTES_MIN >> 20} MiB are free on the disk of {self._path}")
        try:
            connection = self._connection = self._connection or open_for_writing(self._path)
            return do(connection)
        except sqlite3.Error as error:
            self._disconnect()  # rolls back; the next attempt opens the file again
            if not will_pass(error):
                self._on_broken(BrokenLog(f"the log {self._path} can't be written any more: {error}"))
            return LogUnavailable(str(error))

    def _commit(self, batch: Sequence[Pending], connection: sqlite3.Connection) -> int:
        now = time.time_ns() // 1_000_000
        connection.execute("BEGIN IMMEDIATE")
        first = end_of(connection)
        rows = [(first + index, pending.key, pending.value, now) for index, pending in enumerate(batch)]
        connection.executemany(INSERT, rows)
        fail_point("ingest.sent")
        connection.execute("COMMIT")
        return first

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
