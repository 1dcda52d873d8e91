"""Turns for work that would occupy a process: some may run at once, and the others wait for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from edge.errors import unavailable

OPERATOR_WAIT_S = 8.0  # from the arrival of the request: like any other, it begins by then or is refused


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
        async with self.turn_by(asyncio.get_running_loop().time() + wait_s):
            yield

    @asynccontextmanager
    async def turn_by(self, give_up_at: float) -> AsyncIterator[None]:
        """Do the same until a time of the event loop's clock. A turn that is free is always given."""
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
    """A turn for one request. Waiting counts from its arrival, so that a refusal is not late after other waiting."""

    def __init__(self, turns: Turns, arrived_at: float | None = None) -> None:
        """``arrived_at`` is a time of the event loop's clock; the default is now."""
        self._turns = turns
        self._arrived_at = asyncio.get_running_loop().time() if arrived_at is None else arrived_at

    def within(self, wait_s: float) -> AbstractAsyncContextManager[None]:
        """Wait for the turn until ``wait_s`` seconds after the arrival; raise as `Turns.turn` does."""
        return self._turns.turn_by(self._arrived_at + wait_s)
