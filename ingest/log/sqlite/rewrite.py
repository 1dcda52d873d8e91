"""Replaces erased records in the file of an embedded log by stubs, and removes their bytes from it.

A page with an old value may be in three places: in the table, where `secure_delete` overwrites it; in the list of free
pages, for which the same holds; and in the write-ahead log, which is cut off once no reader needs it.
"""

import sqlite3
from collections.abc import Sequence

from ingest.log.kept import Cuts, cuts_in, kept
from ingest.log.sqlite.file import end_of, read_erasures, read_window
from schemas.log.position import LogRecord
from store.fail_points import fail_point

PARTITIONS = 1
READ_BYTES = 8 << 20  # also bounds a transaction, during which no record can be appended
_REPLACE = 'UPDATE records SET value = ? WHERE "offset" = ?'


def cuts_of(connection: sqlite3.Connection) -> Cuts:
    """Return what the log says is erased."""
    found: list[LogRecord] = []
    while more := read_erasures(connection, found[-1].offset + 1 if found else 0, READ_BYTES):
        found += more
    return cuts_in(found, PARTITIONS)


def next_stubs(connection: sqlite3.Connection, cuts: Cuts, start: int) -> tuple[list[LogRecord], int]:
    """Return the stubs for a window of the log from ``start`` on, and where the next window starts; -1 at the end."""
    records = read_window(connection, start, end_of(connection), READ_BYTES)
    changed = [(record, kept(record, cuts, PARTITIONS)) for record in records]
    stubs = [stub for record, stub in changed if stub is not record]
    return stubs, records[-1].offset + 1 if records else -1


def write_stubs(connection: sqlite3.Connection, stubs: Sequence[LogRecord]) -> None:
    """Put stubs in the place of records, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_REPLACE, [(stub.value, stub.offset) for stub in stubs])
    fail_point("log.stubs_written")
    connection.execute("COMMIT")


def cut_wal(connection: sqlite3.Connection) -> bool:
    """Move everything from the write-ahead log into the file and cut it off; return False if a reader needs it."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
