"""Fakes of the real log; each passes the real log's conformance suite."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from schemas.log.position import LogRecord, LogUnavailable, Position
from schemas.log.topics import partition_of


class FakeEventLog:
    """An in-memory event log and reader. ``unavailable`` makes every call fail as if the log were unreachable."""

    bytes_in_flight = replacements = 0

    def __init__(self, partitions: int = 1, clock_ms: int = 1_768_905_000_000) -> None:
        self.partitions = partitions
        self.unavailable = False
        self._clock_ms = clock_ms
        self._noted: list[bytes] = []
        self._records: dict[int, list[LogRecord]] = defaultdict(list)

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def ready(self) -> bool:
        return not self.unavailable

    async def append(self, key: bytes, value: bytes) -> Position:
        await self._answer()
        partition = partition_of(key, self.partitions)
        records = self._records[partition]
        records.append(LogRecord(partition, len(records), key, value, self._clock_ms))
        return Position(partition, len(records) - 1)

    async def note_erasure(self, value: bytes) -> None:
        await self._answer()
        self._noted.append(value)

    async def erasures(self, start: int) -> tuple[Sequence[bytes], int]:
        await self._answer()
        return self._noted[start:], len(self._noted)

    async def ends(self) -> Sequence[int]:
        await self._answer()
        return [len(self._records[partition]) for partition in range(self.partitions)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        await self._answer()
        found: list[LogRecord] = []
        size = 0
        for record in self._records[partition][start:stop]:
            if found and size >= bytes_max:
                break
            found.append(record)
            size += len(record.value or b"")
        return found

    async def wait_beyond(self, offset: int, timeout_s: float) -> None:
        while len(self._records[0]) <= offset and timeout_s > 0:
            await asyncio.sleep(0.01)
            timeout_s -= 0.01

    async def _answer(self) -> None:
        await asyncio.sleep(0)  # yield to other tasks, as a real log does
        if self.unavailable:
            raise LogUnavailable("the fake is away")
