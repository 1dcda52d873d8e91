"""Counting requests by the hour: a port, and its adapter in this process. `redis_counter` counts for several."""

import time
from collections.abc import Callable
from math import ceil
from typing import NamedTuple, Protocol

HOUR_S = 3_600
_WINDOWS_MAX = 10_000  # above it those that have ended are swept out


class Window(NamedTuple):
    """How many requests came in an hour that began with the first of them, and how long it still lasts."""

    used: int
    ends_in_s: int


class RequestCounter(Protocol):
    """Counts; never fails, and never keeps a request waiting for long."""

    async def count(self, name: str) -> Window:
        """One request more under this name; two at once are never counted as one."""
        ...

    @property
    def is_away(self) -> bool:
        """Whether what it shares with other processes does not answer now."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class LocalCounter:
    """`RequestCounter` in the memory of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # name to end of the hour and requests in it

    async def count(self, name: str) -> Window:
        """One request more; nothing is awaited, so nothing comes between reading and writing."""
        now = self._clock()
        ends_at, used = self._windows.get(name, (0.0, 0))
        if now >= ends_at:
            ends_at, used = now + HOUR_S, 0
            self._sweep(now)
        self._windows[name] = ends_at, used + 1
        return Window(used + 1, min(HOUR_S, ceil(ends_at - now)))  # a sum of floats may be a little more

    @property
    def is_away(self) -> bool:
        """It shares nothing."""
        return False

    async def close(self) -> None:
        """Nothing is held."""

    def _sweep(self, now: float) -> None:
        if len(self._windows) >= _WINDOWS_MAX:
            self._windows = {name: window for name, window in self._windows.items() if now < window[0]}
