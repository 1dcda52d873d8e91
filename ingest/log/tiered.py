"""Reads one log from two places: what the topic has, from the topic; what was trimmed, from the archive."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ingest.log.broken import Trimmed
from schemas.log.position import LogReader, LogRecord

if TYPE_CHECKING:
    from ingest.log.archive.cold import ColdLog  # a log without an archive needs none of it


class TopicReader(LogReader, Protocol):
    """A topic that may be trimmed: reading below its start raises `Trimmed`. Each call may raise `LogUnavailable`."""

    async def starts(self) -> Sequence[int]:
        """Return the first offset of each partition."""

    async def stop(self) -> None:
        """Disconnect."""


class Copy(NamedTuple):
    """A place that has records of the log, from ``starts`` on; of an embedded log, also its ``file``."""

    name: str
    log: LogReader
    starts: Callable[[], Awaitable[Sequence[int]]]
    file: Path | None = None


class TieredLogReader:
    """A `TopicReader` that reads what was trimmed from the archive."""

    def __init__(self, topic: TopicReader, archive: "ColdLog") -> None:
        self._topic, self._archive = topic, archive
        self._begins: dict[int, int] = {}  # per partition, as far as is known; it only rises
        self.starts, self.ends, self.stop = topic.starts, topic.ends, topic.stop

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return records of one of the two places, see `schemas.log.position.LogReader`.

        Raises the same as `ColdLog.read` and `LogReader.read`.
        """
        if start >= self._begins.get(partition, 0):
            try:
                return await self._topic.read(partition, start, stop, bytes_max)
            except Trimmed as trimmed:
                self._begins[partition] = trimmed.begins
        return await self._archive.read(partition, start, min(stop, self._begins[partition]), bytes_max)

    def copies(self) -> list[Copy]:
        """Return the topic and the archive; a part of the log is in both."""
        return [Copy("topic", self._topic, self.starts), Copy("archive", self._archive, self._archive.starts)]


def copies_of(log: LogReader, partitions: int, file: Path | None = None) -> list[Copy]:
    """Return each place that has records of a log. ``file`` is that of an embedded log."""
    if isinstance(log, TieredLogReader):
        return log.copies()

    async def zeros() -> Sequence[int]:
        return [0] * partitions

    return [Copy("log", log, zeros, file)]
