"""Writes records with their offsets and times into the file of an embedded log that no process serves."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ingest.log.archive.refusals import Refused
from ingest.log.sqlite.file import INSERT, PARTITION, SCHEMA, end_of, has_room, open_for_writing, read_window
from schemas.log.position import LogRecord
from store.fail_points import fail_point

_COMMIT_BYTES = 16 << 20
_COMMIT_RECORDS = 20_000
_AGAIN = "free some space, then run the command again: it continues where it stopped"


class SqliteImport:
    """`ingest.log.archive.restore.Target` for one file. A commit returns after fsync."""

    def __init__(self, path: Path) -> None:
        """Open the file, create it if missing. Raises `Refused` if it can't be opened."""
        self._path = path
        self._rows: list[tuple[int, bytes | None, bytes | None, int]] = []
        self._bytes = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = open_for_writing(path)
        except (OSError, sqlite3.Error) as error:
            raise Refused(f"the log {path} can't be opened: {error}") from error

    async def ends(self) -> Sequence[int]:
        return [end_of(self._connection)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        await asyncio.sleep(0)  # else the loop could not end the import on SIGINT
        return read_window(self._connection, start, stop, bytes_max) if partition == PARTITION else []

    async def put(self, record: LogRecord) -> None:
        """Accept the next record; commit when many wait. Raises `Refused` if the disk is full."""
        self._rows.append((record.offset, record.key, record.value, record.timestamp_ms))
        self._bytes += len(record.value or b"")
        if self._bytes >= _COMMIT_BYTES or len(self._rows) >= _COMMIT_RECORDS:
            self._commit()
            await asyncio.sleep(0)  # as above

    async def finish(self) -> None:
        """Commit the rest; raise the same as `put`."""
        self._commit()

    async def stop(self) -> None:
        self._connection.close()

    def _commit(self) -> None:
        if not has_room(self._path.parent):
            raise Refused(f"the disk of {self._path} is nearly full: {_AGAIN}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if self._rows and self._rows[0][0] == 0:
                # Recreate the empty table: that of an earlier version refuses a record without key or value.
                self._connection.execute("DROP TABLE records")
                self._connection.execute(SCHEMA)
            self._connection.executemany(INSERT, self._rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise Refused(f"the log {self._path} can't be written: {error}; {_AGAIN}") from error
        self._rows, self._bytes = [], 0
        fail_point("log.imported")
