"""Turns for work that would occupy a process: a limited number run at once, and other requests wait for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.di import NamedDependency

from edge.errors import unavailable

OPERATOR_WAIT_S = 8.0  # after its arrival a request has begun or is refused, like any other request


class Turns:
    """``at_once`` turns of one process. A client whose turn does not come gets the ``message``."""

    def __init__(self, at_once: int, message: str) -> None:
        self.free, self.message = asyncio.Semaphore(at_once), message


class RequestTurn:
    """A turn for one request. The wait counts from its arrival, so that earlier waiting does not delay a refusal."""

    def __init__(self, turns: Turns, arrived_at: float | None = None) -> None:
        """Take the time of arrival by the event loop's clock; the default is now."""
        self._turns = turns
        self._arrived_at = asyncio.get_running_loop().time() if arrived_at is None else arrived_at

    @asynccontextmanager
    async def within(self, wait_s: float) -> AsyncIterator[None]:
        """Wait for the turn until ``wait_s`` seconds after the arrival, and hold it inside the block.

        A free turn is granted even after that time. Raises `ApiError` (503) if none comes in time.
        """
        try:
            async with asyncio.timeout_at(self._arrived_at + wait_s):
                await self._turns.free.acquire()
        except TimeoutError as error:
            raise unavailable("overloaded", self._turns.message, retry_after_s=5) from error
        try:
            yield
        finally:
            self._turns.free.release()


Turn = NamedDependency[RequestTurn]  # of routes; the parameter is named ``turn``
