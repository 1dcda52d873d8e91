"""A watchdog in a thread: it ends the process of a projector that makes no progress while the log grows.

A restart is safe, and the event loop cannot detect that it is stuck, that a consumer is dead, or that a call hangs.
Three conditions make it end the process:

* silence: records wait, and the pipeline gives no sign of life at all;
* a partition that does not move: its records wait, and do not arrive while the pipeline takes others. Faust's consumer
  is known to stop fetching single partitions after a rebalance; only a new consumer fetches them again;
* a rebalance that does not end: a consumer that was idle for longer than its poll interval joins its group again only
  when Faust asks it for records, and Faust does not ask before it has joined.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from processors.flow.observer import Observer
from processors.marks.progress import PartitionPlace
from processors.pipeline import Pace

EXIT_STUCK = 70
STILL_S = 60.0
JOINING = 3  # a rebalance may take this many times the limit: it waits for lost members, each for a session time-out
LOOK_S_MAX = 5.0  # a longer pause between two looks was a pause of the whole process, and does not count


class _Standing(Struct):
    """A partition whose records wait at one place."""

    place: PartitionPlace
    since: float
    waited_s: float = 0.0  # the part of that time in which it could have moved


class Watchdog(Observer):
    """Exits non-zero when records wait for ``limit_s`` seconds in which they could have been projected."""

    def __init__(
        self,
        places: Callable[[], Sequence[PartitionPlace]],
        pace: Callable[[], Pace],
        limit_s: float = STILL_S,
        clock: Callable[[], float] = time.monotonic,
        die: Callable[[int], None] = os._exit,
    ) -> None:
        """``places`` returns the place of each assigned partition, ``pace`` whether the pipeline takes records."""
        self._places, self._pace, self._limit_s, self._clock, self._die = places, pace, limit_s, clock, die
        self._looked_at = clock()
        self._silent_s = self._joining_s = 0.0
        self._standing: dict[int, _Standing] = {}
        self._stopped = threading.Event()

    def alive(self) -> None:
        self._silent_s = 0.0

    def unmoved(self) -> dict[int, float]:
        """Return for how many seconds each partition has been at one offset while records wait. Any thread."""
        now, standing = self._clock(), self._standing.copy()
        return {
            place.partition: now - standing[place.partition].since if place.partition in standing else 0.0
            for place in self._places()
        }

    def check(self) -> None:
        now = self._clock()
        passed_s, self._looked_at = min(now - self._looked_at, LOOK_S_MAX), now
        waiting = [place for place in self._places() if place.waits]
        pace = self._pace()
        self._silent_s = self._silent_s + passed_s if waiting and pace != "away" else 0.0
        self._joining_s = self._joining_s + passed_s if pace == "joining" else 0.0
        self._standing = {place.partition: self._waited(place, passed_s, now, pace) for place in waiting}
        if stuck := self._stuck():
            print(  # not through Faust's logger, which takes sys.stderr over and may be what hangs
                f"projector stuck: {stuck}. The process ends so that its supervisor starts it again.",
                file=sys.__stderr__,
                flush=True,
            )
            self._die(EXIT_STUCK)

    def _waited(self, place: PartitionPlace, passed_s: float, now: float, pace: Pace) -> _Standing:
        """Add up how long a partition waits. An outage does not count, and adds as much time again to catch up."""
        standing = self._standing.get(place.partition)
        if standing is None or standing.place.offset != place.offset:
            return _Standing(place, now)
        counted = {"takes": passed_s, "away": -passed_s}.get(pace, 0.0)
        return _Standing(place, standing.since, max(0.0, standing.waited_s + counted))

    def _stuck(self) -> str | None:
        """Return what took too long: the partition that waited longest or the whole pipeline, else a rebalance."""
        longest = max(self._standing.values(), key=lambda one: one.waited_s, default=None)
        if longest is not None and max(longest.waited_s, self._silent_s) > self._limit_s:
            partition, offset, end = longest.place
            waiting = sum(standing.place.records for standing in self._standing.values())
            return (
                f"partition={partition} offset={offset} end={end} seconds={self._looked_at - longest.since:.0f}; "
                f"{waiting} records wait in partitions {sorted(self._standing)}"
            )
        if self._joining_s > JOINING * self._limit_s:
            return f"a rebalance does not end, seconds={self._joining_s:.0f}"
        return None

    def start(self, every_s: float = 1.0) -> None:
        """Check in a new thread until `stop`."""

        def watch() -> None:
            while not self._stopped.wait(every_s):
                self.check()

        threading.Thread(target=watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
