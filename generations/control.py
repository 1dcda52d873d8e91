"""Polls the control database every two seconds for the state of the generations and for open jobs.

Each subscriber decides which work is its own (see `generations.projector_jobs` and `generations.provisioned_jobs`).
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from generations.jobs.table import Job
from generations.situation import load_latest
from store.errors import StoreUnavailable
from store.generations import KnownGeneration
from store.reading.generations import load_known
from store.reading.reader import Reader

LOOK_EVERY_S = 2.0
logger = structlog.get_logger()


class Subscriber(Protocol):
    async def see(self, generations: Sequence[KnownGeneration], jobs: Sequence[Job]) -> None:
        """React to all generations and the latest jobs, both oldest first: start work, but do not wait for it."""


class Control:
    """Polls on behalf of all subscribers of a process."""

    def __init__(self, reader: Reader, *subscribers: Subscriber) -> None:
        self._reader, self._subscribers = reader, subscribers

    async def run(self) -> None:
        """Poll until cancelled, or until a subscriber raises. If the store is unreachable, try again."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                logger.warning("store_unavailable", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        known, jobs = await load_known(self._reader), await load_latest(self._reader)
        for subscriber in self._subscribers:
            await subscriber.see(known, jobs)
