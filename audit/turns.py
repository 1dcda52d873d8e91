"""Turns for work that would occupy a process: a limited number run at once, and others wait for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from edge.errors import unavailable

OPERATOR_WAIT_S = 8.0  # after its arrival a request has begun or is refused, like any other request


class Turns:
    """``at_once`` turns of one process. A client whose turn did not come gets the ``message``."""

    def __init__(self, at_once: int, message: str) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._message = message

    @asynccontextmanager
    async def turn(self, wait_s: float) -> AsyncIterator[None]:
        """Wait up to ``wait_s`` seconds for a turn, and hold it inside the block.

        Raises:
            ApiError: 503 if it does not come in time.
        """
        async with self.turn_by(asyncio.get_running_loop().time() + wait_s):
            yield

    @asynccontextmanager
    async def turn_by(self, give_up_at: float) -> AsyncIterator[None]:
        """Do the same until a time of the event loop's clock. A free turn is granted even after that time."""
        try:
            async with asyncio.timeout_at(give_up_at):
                await self._free.acquire()
        except TimeoutError as error:
            raise unavailable("overloaded", self._message, retry_after_s=5) from error
        try:
            yield
        finally:
            self._free.release()


class RequestTurn:
    """A turn for one request. The wait counts from its arrival, so that earlier waiting does not delay a refusal."""

    def __init__(self, turns: Turns, arrived_at: float | None = None) -> None:
        """Take the time of arrival by the event loop's clock; the default is now."""
        self._turns = turns
        self._arrived_at = asyncio.get_running_loop().time() if arrived_at is None else arrived_at

    def within(self, wait_s: float) -> AbstractAsyncContextManager[None]:
        """Wait for the turn until ``wait_s`` seconds after the arrival; raise like `Turns.turn`."""
        return self._turns.turn_by(self._arrived_at + wait_s)
