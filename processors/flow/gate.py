"""The gate before the fold: closed while a generation is paused, and open a little at a time under a rate limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
PART_S = 0.25  # under a limit, a batch is cut into parts of about this time, so that other work gets its turn
LOOK_S = 0.1
FIRST_FACTS = 1_000.0  # per record, before any has passed: a low guess would make the first part far too large


class Gate:
    """Lets records pass. Used from one event loop; `is_closed` may be read from any thread."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.is_paused = False
        self.rate = 0.0  # events a second, 0: no limit
        self._clock, self._sleep = clock, sleep
        self._owed, self._since = 0.0, clock()  # events that passed ahead of the limit, as of then
        self._facts_per_record = FIRST_FACTS
        self._waiting = False

    @property
    def is_closed(self) -> bool:
        """Whether records wait here. Then it isn't a fault if nothing moves."""
        return self._waiting

    def cut(self, records: Sequence[T]) -> Iterator[Sequence[T]]:
        """Cut a batch; without a limit it is one part. The limit may change between two parts."""
        start = 0
        while start < len(records):
            size = len(records)
            if self.rate:
                size = max(1, int(self.rate * PART_S / self._facts_per_record))
            yield records[start : start + size]
            start += size

    async def wait_until_open(self, alive: Callable[[], None]) -> None:
        """Wait until the next part may pass; call ``alive`` meanwhile."""
        self._waiting = True
        try:
            while self.is_paused or self._left_s() > 0:
                await self._sleep(LOOK_S if self.is_paused else min(LOOK_S, self._left_s()))
                alive()
        finally:
            self._waiting = False

    def note_passed(self, facts: int, records: int) -> None:
        """Note what has passed: it decides when the next part may pass."""
        if records:
            self._facts_per_record = max(1.0, 0.5 * self._facts_per_record + 0.5 * facts / records)
        credit = self.rate * PART_S  # for the time in which nothing arrived
        self._owed = max(self._owed - self.rate * self._passed_s(), -credit) + facts if self.rate else 0.0
        self._since = self._clock()

    def _left_s(self) -> float:
        return self._owed / self.rate - self._passed_s() if self.rate else 0.0

    def _passed_s(self) -> float:
        return self._clock() - self._since
