"""Reads the file of the embedded log, without write access, while another process may write it."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ingest.log.broken import BrokenLog
from ingest.log.sqlite.file import PARTITION, end_of, open_read_only, read_key, read_window, will_pass
from schemas.log.position import LogRecord, LogUnavailable

T = TypeVar("T")


class SqliteLogReader:
    """`schemas.log.position.LogReader` of one file."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `BrokenLog` if there is none."""
        self._path = path
        self._turn = threading.Lock()
        if not path.is_file():
            raise BrokenLog(f"there is no log at {path}: name the data folder of an installation, or its log")
        self._connection = open_read_only(path)

    async def ends(self) -> Sequence[int]:
        return [await self._query(end_of)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        if partition != PARTITION:
            return []
        return await self._query(lambda connection: read_window(connection, start, stop, bytes_max))

    async def of_key(self, key: bytes, start: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return records of a key from an offset on, about ``bytes_max`` bytes of them, but at least one if any."""
        return await self._query(lambda connection: read_key(connection, key, start, bytes_max))

    async def stop(self) -> None:
        self._connection.close()

    async def _query(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.to_thread(self._ask, ask)

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn:
            try:
                return ask(self._connection)
            except sqlite3.Error as error:
                if will_pass(error):
                    raise LogUnavailable(f"{self._path}: {error}") from error
                raise BrokenLog(f"the log {self._path} can't be read: {error}") from error
