"""Limits the time of the store that each org may use in an hour.

The number of reads does not: one search of a large org may take seconds. Only time in a turn counts, not the time for
which a question waits, and a remembered answer takes none. A question that began is never stopped by it.
"""

import time
from collections.abc import Callable
from math import ceil

from query_api.errors import StoreTimeUsed
from query_api.fairness import SERVICE

HOUR_S = 3_600
ORGS_MAX = 10_000  # above this number, hours that are over are removed


class StoreTime:
    """Seconds of each org in the hour that began with its first question. 0 seconds: no limit."""

    def __init__(self, seconds_per_hour: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = seconds_per_hour, clock
        self._used: dict[str, tuple[float, float]] = {}  # org: (end of the hour, seconds in it)

    def check(self, asker: str) -> None:
        """Raise `StoreTimeUsed` if an org has none left; the service itself always has."""
        ends_at, used = self._used.get(asker, (0.0, 0.0))
        left_s = ends_at - self._clock()
        if self._limit and asker != SERVICE and left_s > 0 and used >= self._limit:
            raise StoreTimeUsed(min(HOUR_S, ceil(left_s)))

    def spend(self, asker: str, seconds: float) -> None:
        """Count the time that a question took."""
        if not self._limit or asker == SERVICE:
            return
        now = self._clock()
        ends_at, used = self._used.get(asker, (0.0, 0.0))
        if now >= ends_at:
            ends_at, used = now + HOUR_S, 0.0
            if len(self._used) >= ORGS_MAX:
                self._used = {org: hour for org, hour in self._used.items() if now < hour[0]}
        self._used[asker] = ends_at, used + seconds
