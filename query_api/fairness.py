"""Turns at something that only a few may use at once, shared fairly between orgs.

In the order of arrival, sixty questions of one org would come before the first one of another. Here the org with the
fewest turns under way comes next; of equal ones, the org whose last turn is longest ago. No org has all turns.
"""

import asyncio
from collections import Counter, deque


class FairTurns:
    """``at_once`` turns in all, ``of_one`` at most for one asker. Used from one event loop."""

    def __init__(self, at_once: int, of_one: int) -> None:
        self._free, self._of_one = at_once, of_one
        self._under_way: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # who comes first among equals stands first

    async def take(self, asker: str) -> None:
        """Wait for a turn. Whoever got one gives it back; who is cancelled while waiting got none."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(mine)
        self._hand_out()
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it was handed out in the same moment
                self.give_back(asker)
            raise

    def give_back(self, asker: str) -> None:
        """End a turn."""
        self._free += 1
        self._under_way -= Counter((asker,))
        if asker in self._waiting:
            self._waiting[asker] = self._waiting.pop(asker)  # behind the others
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and (next_ones := [who for who in self._waiting if self._under_way[who] < self._of_one]):
            who = min(next_ones, key=self._under_way.__getitem__)
            waiting = self._waiting.pop(who)
            turn = waiting.popleft()
            if waiting:
                self._waiting[who] = waiting  # behind the others
            if not turn.cancelled():
                self._free -= 1
                self._under_way[who] += 1
                turn.set_result(None)
