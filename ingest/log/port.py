"""The port through which records become durable, and the limit on the bytes that wait for it."""

from collections.abc import Sequence
from typing import Protocol

from schemas.log.position import LogRecord, LogUnavailable, Position

APPEND_DEADLINE_S = 8.0  # after it the response is a 503; the record may still arrive
BYTES_IN_FLIGHT_MAX = 64 * 1024 * 1024  # per process; beyond it a 503 at once, so that memory is bounded


class EventLog(Protocol):
    """An append-only log of one topic; offsets are dense in each partition."""

    @property
    def bytes_in_flight(self) -> int:
        """The bytes of records on their way to the log."""

    @property
    def replacements(self) -> int:
        """How often a connection to the log had failed and was replaced, since the start."""

    @property
    def partitions(self) -> int:
        """The number of partitions. Raises `LogUnavailable` while it is unknown."""

    async def start(self) -> None:
        """Get ready; an unreachable log isn't an error here. Raises `BrokenLog` if it would be wrong to continue."""

    async def stop(self) -> None:
        """Finish the appends in progress and close the log."""

    async def ready(self) -> bool:
        """Return whether an append would probably succeed now."""

    async def append(self, key: bytes, value: bytes) -> Position:
        """Make one record durable; return its position.

        Raises `LogUnavailable` if the outcome is unknown or the log is full; the same record may be sent again.
        """

    async def note_erasure(self, value: bytes) -> None:
        """Let every process that writes find this record of an erasure, which is in the log already.

        It may be noted more than once. Raises `LogUnavailable`.
        """

    async def erasures(self, start: int) -> tuple[Sequence[bytes], int]:
        """Return records of erasures from a place on, and the place after them; none once all are read.

        The first place is 0. Raises `LogUnavailable`.
        """

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return appended records, see `schemas.log.position.LogReader`. Raises `LogUnavailable`."""


class ByteBudget:
    """Counts bytes in flight, and refuses more than the limit."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.in_flight = 0

    def take(self, count: int) -> None:
        """Reserve bytes. Raises `LogUnavailable` at once if the budget is used up; a single record always fits."""
        if self.in_flight and self.in_flight + count > self._bytes_max:
            raise LogUnavailable("too many bytes wait for the log")
        self.in_flight += count

    def give_back(self, count: int) -> None:
        """Release bytes that are durable or given up."""
        self.in_flight -= count
