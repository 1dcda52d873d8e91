"""The file of the embedded log: one table, offsets dense from 0, room on its disk, and what its errors mean."""

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
_PAGE_BYTES = 16_384  # a record is tens of kilobytes; small pages would make long chains of them
_WAL_PAGES_MAX = 2_048  # 32 MiB between checkpoints
_BUSY_S = 2.0
# The store of `up` is on the same disk, keeps twice as much free, and must not run into a full one in mid-write.
FREE_BYTES_MIN = 128 * 1024 * 1024

_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# A disk or quota without room shows itself in these as well. Whatever they hit was not committed.
_PASSING_IO = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE}


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, make it if need be. A commit returns after fsync."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES_MAX}")
    connection.execute(SCHEMA)
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection beside the writer's; reads neither wait for it nor hold it up."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


def end_of(connection: sqlite3.Connection) -> int:
    """The next offset."""
    return int(connection.execute(END).fetchone()[0])


def has_room(path: Path) -> bool:
    """Whether the disk has room for more, with some to spare."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize >= FREE_BYTES_MIN


def will_pass(error: sqlite3.Error) -> bool:
    """Whether the disk is merely full or the file busy: nothing was committed, and it may be tried again."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF in _PASSING or code in _PASSING_IO
