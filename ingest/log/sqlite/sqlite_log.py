"""The log of the embedded default: one SQLite file behind the same port as Kafka, and its reader by offset."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from ingest.deadlines import Deadlines
from ingest.log.broken import BrokenLog, OnBroken, stop_the_process
from ingest.log.port import APPEND_DEADLINE_S, BYTES_IN_FLIGHT_MAX, ByteBudget
from ingest.log.sqlite.file import (
    PARTITION,
    Pending,
    SqliteWriter,
    end_of,
    open_for_reading,
    open_read_only,
    read_erasures,
    read_key,
    read_window,
    will_pass,
)
from ingest.log.sqlite.rewrite import READ_BYTES, cut_wal, cuts_of, next_stubs, write_stubs
from schemas.log.position import LogRecord, LogUnavailable, Position

_CUTS_MAX, _CUT_AGAIN_S = 300, 0.2  # a reader needs a page for as long as its question takes
T = TypeVar("T")


class SqliteEventLog:
    """`EventLog` and `schemas.log.position.LogReader` in one file. `append` returns after fsync."""

    replacements = 0  # a file has no connection
    partitions = 1

    def __init__(
        self, path: Path, *, bytes_max: int = BYTES_IN_FLIGHT_MAX, on_broken: OnBroken = stop_the_process
    ) -> None:
        self.path = path
        self._budget = ByteBudget(bytes_max)
        self._on_broken = on_broken
        self._writer: SqliteWriter | None = None
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._end = 0
        self.commits = 0
        self._grown = asyncio.Event()
        self._deadlines = Deadlines()

    @property
    def bytes_in_flight(self) -> int:
        return self._budget.in_flight

    async def start(self) -> None:
        """Open the file, create it if missing. Raises `BrokenLog` if it can't be opened."""
        self._loop = asyncio.get_running_loop()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._writer = SqliteWriter(self.path, self._settle_soon, self._on_broken)
        except sqlite3.Error as error:
            raise BrokenLog(f"the log {self.path} can't be opened: {error}") from error
        self._end = self._writer.end

    async def stop(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await asyncio.to_thread(writer.close)
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def ready(self) -> bool:
        return self._writer is not None

    async def append(self, key: bytes, value: bytes) -> Position:
        if self._writer is None:
            raise LogUnavailable("the log is closed")
        self._budget.take(len(value))
        done: asyncio.Future[int] = self._loop.create_future()
        self._writer.put(Pending(key, value, done))
        try:
            async with self._deadlines.after(APPEND_DEADLINE_S):
                return Position(PARTITION, await done)
        except TimeoutError as error:
            raise LogUnavailable(f"no commit within {APPEND_DEADLINE_S} s") from error

    async def ends(self) -> Sequence[int]:
        return [await asyncio.to_thread(self._query, end_of)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        if partition != PARTITION:
            return []
        return await asyncio.to_thread(self._query, lambda connection: read_window(connection, start, stop, bytes_max))

    async def note_erasure(self, value: bytes) -> None:
        """Do nothing: the file finds its erasures."""

    async def erasures(self, start: int) -> tuple[Sequence[bytes], int]:
        found = await asyncio.to_thread(self._query, lambda connection: read_erasures(connection, start, READ_BYTES))
        return [record.value or b"" for record in found], found[-1].offset + 1 if found else start

    async def rewrite(self) -> int:
        """Put stubs in the place of all records that the log says are erased; return how many were not stubs yet.

        Their bytes are not in the file any more when it returns. Raises `LogUnavailable`.
        """
        cuts = await asyncio.to_thread(self._query, cuts_of)
        count, start = 0, 0
        while cuts and start >= 0:
            stubs, start = await asyncio.to_thread(self._query, partial(next_stubs, cuts=cuts, start=start))
            if stubs:
                await self._run(partial(write_stubs, stubs=stubs))
            count += len(stubs)
        for _ in range(_CUTS_MAX if cuts else 0):
            if await self._run(cut_wal):
                return count
            await asyncio.sleep(_CUT_AGAIN_S)
        if cuts:
            raise LogUnavailable(f"something has read {self.path} for a minute, which keeps old pages in its -wal file")
        return count

    async def _run(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """Let the writer do something between two commits."""
        if self._writer is None:
            raise LogUnavailable("the log is closed")
        done: T = await asyncio.wrap_future(self._writer.run(do))
        return done

    async def wait_beyond(self, offset: int, timeout_s: float) -> None:
        """Return once the record at ``offset`` exists, or after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._end <= offset:
                    await self._grown.wait()
        except TimeoutError:
            return

    def _settle_soon(self, batch: Sequence[Pending], outcome: int | LogUnavailable) -> None:
        self._loop.call_soon_threadsafe(self._settle, batch, outcome)

    def _settle(self, batch: Sequence[Pending], outcome: int | LogUnavailable) -> None:
        """Finish every append of one commit. Appends past their deadline have left; only their bytes are released."""
        for index, pending in enumerate(batch):
            self._budget.give_back(len(pending.value))
            if pending.done.done():
                continue
            if isinstance(outcome, int):
                pending.done.set_result(outcome + index)
            else:
                pending.done.set_exception(LogUnavailable(*outcome.args))
        if isinstance(outcome, int):
            self.commits += 1
            self._end = outcome + len(batch)
            self._grown.set()
            self._grown = asyncio.Event()

    def _query(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with self._reading:
            try:
                self._reader = self._reader or open_for_reading(self.path)
                return ask(self._reader)
            except sqlite3.Error as error:
                if not will_pass(error):
                    self._on_broken(BrokenLog(f"the log {self.path} can't be read any more: {error}"))
                raise LogUnavailable(str(error)) from error


class SqliteLogReader:
    """`schemas.log.position.LogReader` of one file, without write access, while another process may write it."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `BrokenLog` if there is none."""
        self._path = path
        self._turn = threading.Lock()
        if not path.is_file():
            raise BrokenLog(f"there is no log at {path}: name the data folder of an installation, or its log")
        self._connection = open_read_only(path)

    async def ends(self) -> Sequence[int]:
        return [await asyncio.to_thread(self._query, end_of)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        if partition != PARTITION:
            return []
        return await asyncio.to_thread(self._query, lambda connection: read_window(connection, start, stop, bytes_max))

    async def of_key(self, key: bytes, start: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return records of a key from an offset on, about ``bytes_max`` bytes of them, but at least one if any."""
        return await asyncio.to_thread(self._query, lambda connection: read_key(connection, key, start, bytes_max))

    async def stop(self) -> None:
        self._connection.close()

    def _query(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn:
            try:
                return ask(self._connection)
            except sqlite3.Error as error:
                if will_pass(error):
                    raise LogUnavailable(f"{self._path}: {error}") from error
                raise BrokenLog(f"the log {self._path} can't be read: {error}") from error
