"""Reads the file of an embedded log that no process has open. A missing file is a log without records."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ingest.log.sqlite.file import end_of, open_for_reading
from schemas.log.position import LogRecord, LogUnavailable

PARTITION = 0
_OF_KEY = 'SELECT "offset", "key", value, timestamp_ms FROM records WHERE "key" = ? ORDER BY "offset"'


def has_records(path: Path) -> bool:
    """Return whether there is any record. Raises `LogUnavailable` if the file can't be read."""
    if not path.exists():
        return False
    with _reading(path) as connection:
        return end_of(connection) > 0


def records_of_key(path: Path, key: bytes) -> list[LogRecord]:
    """Return the records of one key in log order. The whole file is scanned, so a large log takes seconds.

    Raises:
        LogUnavailable: the file can't be read.
    """
    if not path.exists():
        return []
    with _reading(path) as connection:
        return [LogRecord(PARTITION, *row) for row in connection.execute(_OF_KEY, (key,))]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(open_for_reading(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise LogUnavailable(f"the log {path} can't be read: {error}") from error
