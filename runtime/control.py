"""Look at the control database every two seconds: what became of the generations, and which requests are open.

Each subscriber decides what is its work (see `runtime.generation_work` and `runtime.provisioning_work`).
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from audit.requests.situation import load_known, load_latest
from query_api.reader import Reader
from store.errors import StoreUnavailable
from store.generations import KnownGeneration
from store.requests import Request

LOOK_EVERY_S = 2.0
logger = structlog.get_logger()


class Subscriber(Protocol):
    """Sees what is in the control database."""

    async def see(self, generations: Sequence[KnownGeneration], requests: Sequence[Request]) -> None:
        """React to all generations and the latest requests, both the oldest first; begin work, do not wait for it."""
        ...


class Control:
    """Looks for all subscribers of a process."""

    def __init__(self, reader: Reader, *subscribers: Subscriber) -> None:
        self._reader, self._subscribers = reader, subscribers

    async def run(self) -> None:
        """Look until cancelled, or until a subscriber raises. A store that is away is looked at again."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                logger.warning("store_unavailable", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once."""
        known, requests = await load_known(self._reader), await load_latest(self._reader)
        for subscriber in self._subscribers:
            await subscriber.see(known, requests)
