"""Limits how much of the store's time each org may use per hour.

A limit on the number of reads would not do: one search of a large org may take seconds. Only the time of a turn counts,
not the wait for it, and a cached answer costs nothing. A question that has begun is never stopped.
"""

import time
from collections.abc import Callable
from math import ceil

from store.reading.errors import StoreTimeUsed
from store.reading.fairness import SERVICE

HOUR_S = 3_600
ORGS_MAX = 10_000  # above this number, entries of past hours are removed


class StoreTime:
    """The seconds that each org used in the hour that began with its first question. A limit of 0 means none."""

    def __init__(self, seconds_per_hour: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = seconds_per_hour, clock
        self._used: dict[str, tuple[float, float]] = {}  # org: (end of the hour, seconds in it)

    def check(self, asker: str) -> None:
        """Raise `StoreTimeUsed` if an org has no time left; the service itself has no limit."""
        ends_at, used = self._used.get(asker, (0.0, 0.0))
        left_s = ends_at - self._clock()
        if self._limit and asker != SERVICE and left_s > 0 and used >= self._limit:
            raise StoreTimeUsed(min(HOUR_S, ceil(left_s)))

    def spend(self, asker: str, seconds: float) -> None:
        if not self._limit or asker == SERVICE:
            return
        now = self._clock()
        ends_at, used = self._used.get(asker, (0.0, 0.0))
        if now >= ends_at:
            ends_at, used = now + HOUR_S, 0.0
            if len(self._used) >= ORGS_MAX:
                self._used = {org: hour for org, hour in self._used.items() if now < hour[0]}
        self._used[asker] = ends_at, used + seconds
