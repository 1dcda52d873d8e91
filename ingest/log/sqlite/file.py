"""The file of the embedded log: its table with dense offsets from 0, its disk's free space, its errors."""

import os
import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    "offset" INTEGER PRIMARY KEY,
    "key" BLOB NOT NULL,
    value BLOB NOT NULL,
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
_PAGE_BYTES = 16_384  # a record has tens of kilobytes; small pages would make long chains
_WAL_PAGES_MAX = 2_048  # 32 MiB between checkpoints
_BUSY_S = 2.0
# The store of `up` is on the same disk and leaves twice as much free: the disk must not fill up during its writes.
FREE_BYTES_MIN = 128 * 1024 * 1024

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
    connection.execute(SCHEMA)
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a second connection; reads and the writer do not wait for each other."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


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
