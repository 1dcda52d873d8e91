"""Shares the store fairly between orgs: its limited number of concurrent turns, and its time per hour.

First come, first served would put sixty questions of one org before the first question of another. Here the org with
the fewest turns in progress goes next; among equals, the one whose last turn is longest ago. An org never gets all
turns, and only one at a time while another org is active: questions share processors too, and one that runs beside
three others takes five times as long. Some turns are reserved for the service itself, because each request needs the
live generation and its progress.

A limit on the number of reads of an org would not do: one search of a large org may take seconds. So an org has a limit
on the store's time per hour. Only the time of a turn counts, not the wait for it, and a cached answer costs nothing. A
question that has begun is never stopped.
"""

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from math import ceil

from store.reading.errors import StoreTimeUsed

SERVICE = ""  # the asker of questions that belong to no org: progress, generations, audits
ABOUT_S = 2.0  # an org stays active this long after its last question, since it probably has another
HOUR_S = 3_600
ORGS_MAX = 10_000  # above this number, entries of past hours are removed


class FairTurns:
    """``at_once`` turns: at most ``of_one`` for one org, ``reserved`` for the service. Used from one event loop."""

    def __init__(
        self, at_once: int, of_one: int, reserved: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.at_once = self._free = at_once
        self._of_one, self._reserved, self._clock = of_one, reserved, clock
        self._about: OrderedDict[str, float] = OrderedDict()  # when each org last asked or got a turn, in that order
        self._under_way: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # among equals, the first one goes next

    @property
    def in_use(self) -> int:
        return self.at_once - self._free

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def take(self, asker: str) -> None:
        """Wait for a turn, which must be given back. A caller that is cancelled while waiting has no turn."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(mine)
        self._note(asker)
        self._hand_out()
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # the turn was granted at the same moment
                self.give_back(asker)
            raise

    def give_back(self, asker: str) -> None:
        self._free += 1
        self._under_way -= Counter((asker,))
        if asker in self._waiting:
            self._waiting[asker] = self._waiting.pop(asker)  # behind the others
        self._hand_out()

    def _note(self, asker: str) -> None:
        if asker != SERVICE:
            self._about[asker] = self._clock()
            self._about.move_to_end(asker)

    def _hand_out(self) -> None:
        since = self._clock() - ABOUT_S
        while self._about and next(iter(self._about.values())) < since:  # no longer active
            self._about.popitem(last=False)
        while next_ones := [who for who in self._waiting if self._may(who)]:
            who = min(next_ones, key=self._under_way.__getitem__)
            waiting = self._waiting.pop(who)
            turn = waiting.popleft()
            if waiting:
                self._waiting[who] = waiting  # behind the others
            if not turn.cancelled():
                self._free -= 1
                self._under_way[who] += 1
                self._note(who)
                turn.set_result(None)

    def _may(self, who: str) -> bool:
        """Whether this asker may have a turn now; the reserved ones are not for orgs."""
        if who == SERVICE:
            return self._free > 0 and self._under_way[who] < self._of_one
        limit = 1 if any(org != who for org in self._about) else self._of_one
        return self._free > self._reserved and self._under_way[who] < limit


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
