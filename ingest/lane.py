"""Where the work of a request runs: on the event loop where it is short, else in the one lane of the process.

The lane is one thread, so that however many requests need it they take one core at most. They take turns: a request
enters again for each piece of its work, behind those that wait. Pieces are small, so none waits long for its turn. Of
the requests whose work is long only one is in the lane: else all of them would end at the same time, too late.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Place(Protocol):
    """Somewhere to run a piece of work."""

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run it and return its result; raises what it raises."""
        ...


class Lane:
    """The thread for work that would hold up the event loop. A piece that is cancelled before its turn never runs."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lane")
        self.long_work = asyncio.Lock()  # to be held by a request whose work turns out to be long

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run it when its turn comes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


class _EventLoop:
    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return work(*arguments)


ON_THE_LOOP: Place = _EventLoop()
