"""The two sides of a proof: each answers questions from one generation."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from audit.receipts_end import receipts_end
from query_api.freshness import PROGRESS
from store.generations import Generation
from store.reading.question import NoParams, P, Question, R
from store.reading.reader import Reader, answer

PAUSE_S = 0.2
Pause = Callable[[], Awaitable[None]]


class Side(NamedTuple):
    """One generation, as `store.reading.question.Asks`."""

    reader: Reader
    generation: Generation

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """Return the rows that answer a question."""
        return await answer(self.reader, self.generation, question, params)


class Sides(NamedTuple):
    """The live generation and the one that is proved, which may be the same; and the wait before a second reading."""

    live: Side
    proved: Side
    pause: Pause

    @property
    def each(self) -> list[Side]:
        """Return the generations, each once."""
        return [self.live] if self.are_one else [self.live, self.proved]

    @property
    def are_one(self) -> bool:
        """Whether a generation is proved against itself alone."""
        return self.live.generation.name == self.proved.generation.name

    async def settled(self) -> list[int]:
        """Return, by partition, the offset below which all records are in the tables of both."""
        found = [await _settled(side) for side in self.each]
        partitions = max((partition + 1 for settled in found for partition in settled), default=0)
        return [min(settled.get(partition, 0) for settled in found) for partition in range(partitions)]


async def _settled(side: Side) -> dict[int, int]:
    """Return what one side claims. Receipts and progress are the last writes of a batch: one may have lost its own."""
    settled = await receipts_end(side)
    for row in await side.ask(PROGRESS, NoParams()):
        settled[row.log_partition] = max(row.projected, settled.get(row.log_partition, 0))
    return settled


def sides_of(reader: Reader, live: Generation, proved: Generation, pause: Pause | None) -> Sides:
    """Return the two sides; by default a second reading follows after `PAUSE_S`."""
    return Sides(Side(reader, live), Side(reader, proved), pause or partial(asyncio.sleep, PAUSE_S))
