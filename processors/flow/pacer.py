"""When the next batch begins: at once if it is full; any other waits a moment, so that more records share its cost.

Each batch makes a part in every table, and costs about the same whatever its size. So batches have a budget: in the
long run, a batch with a single event uses ``wait_s`` seconds of it, a larger one less. A few may begin ahead of the
budget, so that events after a quiet time are visible at once. A batch also waits until the one before it is written,
and then as long again as that took: a busy machine makes fewer, larger batches. A worker with only some of the
partitions waits longer, so that all workers together make no more batches than a single one would.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

WAIT_S = 1.0
AHEAD = 10  # batches with one event
SHARING_FACTS = 10  # with this many events a batch uses half of the time
LATEST = 5  # batches; the shortest of them shared the machine least, so it shows best what a batch costs
PAUSE_S_MAX = 0.5


class Pacer:
    """Used from one event loop."""

    def __init__(self, wait_s: float = WAIT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._wait_s, self._clock = wait_s, clock
        self._took_s: deque[float] = deque(maxlen=LATEST)
        self._paused_until = float("-inf")
        self._paid_until = float("-inf")  # the budget is spent up to then, which may be ahead of the clock

    def note_written(self, facts: int, took_s: float, workers: float = 1.0) -> None:
        """Note that a batch is written; it took ``took_s`` in all, and ``workers`` like this one share the load."""
        now = self._clock()
        self._took_s.append(took_s)
        self._paused_until = now + min(PAUSE_S_MAX, (2 * workers - 1) * min(self._took_s))
        saved = now - (AHEAD - 1) * self._wait_s
        self._paid_until = max(self._paid_until, saved) + self._wait_s * SHARING_FACTS / (SHARING_FACTS + facts)

    def left_s(self) -> float:
        """Return how many seconds a batch still has to wait after the one before; 0 or less: it may begin."""
        return max(self._paused_until, self._paid_until) - self._clock()

    async def wait_to_begin(self, is_full: Awaitable[object], is_drained: Awaitable[object]) -> None:
        """Return once a batch may begin after ``is_drained``, or ``is_full`` is done. Raises what they raise."""
        waiting = [asyncio.ensure_future(is_full), asyncio.ensure_future(self._pause(is_drained))]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in waiting:
                one.cancel()

    async def _pause(self, is_drained: Awaitable[object]) -> None:
        await is_drained
        await asyncio.sleep(max(0.0, self.left_s()))
