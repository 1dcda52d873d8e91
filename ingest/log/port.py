"""The port through which facts become durable."""

from collections.abc import Sequence
from typing import Protocol

from schemas.log.position import LogRecord, LogUnavailable, Position

__all__ = ["EventLog", "LogUnavailable", "Position"]

APPEND_DEADLINE_S = 8.0  # beyond it the request is answered with 503; the record may still arrive
BYTES_IN_FLIGHT_MAX = 64 * 1024 * 1024  # per process; beyond it 503 at once, rather than memory without end


class EventLog(Protocol):
    """An append-only log of one topic; offsets are dense in each partition."""

    async def start(self) -> None:
        """Get ready; a log that is merely away is no error here. Raises `BrokenLog` where going on would be wrong."""
        ...

    async def stop(self) -> None:
        """Finish what was begun and let go."""
        ...

    async def ready(self) -> bool:
        """Whether an append would probably succeed now."""
        ...

    async def append(self, key: bytes, value: bytes) -> Position:
        """Make one record durable; returns where it stands.

        Raises:
            LogUnavailable: when the outcome is unknown or the log is full; the same record may be sent again.
        """
        ...

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """What was appended, see `schemas.log.position.LogReader`. Raises `LogUnavailable`."""
        ...
