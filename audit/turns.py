"""Turns for work that would occupy a process: some may run at once, and the others wait for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.errors import unavailable


class Turns:
    """``at_once`` turns of one process. ``message`` tells a client why its turn did not come."""

    def __init__(self, at_once: int, message: str) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._message = message

    @asynccontextmanager
    async def turn(self, wait_s: float) -> AsyncIterator[None]:
        """Wait at most ``wait_s`` seconds for a turn, and hold it inside the block.

        Raises:
            ApiError: 503 if it does not come in time.
        """
        try:
            async with asyncio.timeout(wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise unavailable("overloaded", self._message, retry_after_s=5) from error
        try:
            yield
        finally:
            self._free.release()
