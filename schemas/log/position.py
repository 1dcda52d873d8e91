"""The log as readers see it: offsets are dense in each partition, and records are never deleted."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class LogUnavailable(Exception):
    """The log is unreachable, full or too slow. The outcome is unknown, so the same request may be sent again."""


class LogRecord(NamedTuple):
    """One record's bytes at its position. ``timestamp_ms`` is the log's time, in ms since 1970."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class Position(NamedTuple):
    """A place in the log, written ``<partition>:<offset>``."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read ``<partition>:<offset>``. Raises `ValueError` for anything else."""
        partition, colon, offset = text.strip().partition(":")
        if not (colon and partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
            raise ValueError(f"{text!r} is not <partition>:<offset>")
        position = cls(int(partition), int(offset))
        if position.partition >= 1 << 31 or position.offset >= 1 << 47:
            raise ValueError(f"{text!r} is beyond the end of any log")
        return position


class LogReader(Protocol):
    """Reads the log by offset, independent of any consumer group. Every call may raise `LogUnavailable`."""

    async def ends(self) -> Sequence[int]:
        """Return the next offset of each partition, as of a moment after the call began."""

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return records of ``[start, stop)`` in order, about ``bytes_max`` bytes, but at least one if any exists."""
