"""Count requests per hour: the port, and its adapter in memory. `redis_counter` is the shared adapter."""

import time
from collections.abc import Callable
from math import ceil
from typing import NamedTuple, Protocol

HOUR_S = 3_600
_WINDOWS_MAX = 10_000  # above this number, expired windows are removed


class Window(NamedTuple):
    """Requests in the hour that began with the first of them, and the rest of that hour in seconds."""

    used: int
    ends_in_s: int


class RequestCounter(Protocol):
    """Port of a counter. It never fails and never delays a request for long."""

    async def count(self, name: str) -> Window:
        """Count a request under this name. Concurrent requests each get a different number."""
        ...

    @property
    def is_away(self) -> bool:
        """Whether the counter shared with other processes is unreachable."""
        ...

    async def close(self) -> None:
        """Close connections, if any."""
        ...


class LocalCounter:
    """`RequestCounter` in the memory of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # name: (end of the hour, requests in it)

    async def count(self, name: str) -> Window:
        """Count a request. Nothing is awaited, so read and write are one step."""
        now = self._clock()
        ends_at, used = self._windows.get(name, (0.0, 0))
        if now >= ends_at:
            ends_at, used = now + HOUR_S, 0
            self._sweep(now)
        self._windows[name] = ends_at, used + 1
        return Window(used + 1, min(HOUR_S, ceil(ends_at - now)))  # rounding may exceed the hour

    @property
    def is_away(self) -> bool:
        """Always false: nothing is shared."""
        return False

    async def close(self) -> None:
        """Do nothing."""

    def _sweep(self, now: float) -> None:
        if len(self._windows) >= _WINDOWS_MAX:
            self._windows = {name: window for name, window in self._windows.items() if now < window[0]}
