"""Where a request's work runs: short work on the event loop, all other work in the one lane of the process.

The lane is one thread, so all requests together use at most one core. Requests take turns: each piece of work queues
behind those that wait. Pieces are small, so turns are short. Only one request with long work is in the lane at a time:
otherwise all long requests would end at the same time, too late.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Place:
    """Where a piece of work runs: here on the event loop, in a `Lane` in its thread."""

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run the work and return its result; raises what it raises."""
        return work(*arguments)


class Lane(Place):
    """The thread for work that would block the event loop. A piece that is cancelled before its turn never runs."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lane")
        self.long_work = asyncio.Lock()  # a request holds it once its work turns out to be long

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


ON_THE_LOOP = Place()
