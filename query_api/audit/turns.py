"""Recounts that orgs ask for take turns, one at a time in a process: at once they would keep every reader busy.

An operator's recount does not wait; neither does the audit in the background, which must not fail for want of a turn.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.errors import unavailable

WAIT_S = 5.0


class RecountTurns:
    """The turns of one process."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self._one = asyncio.Lock()
        self._wait_s = wait_s

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it inside.

        Raises:
            ApiError: 503, it does not come in time.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                await self._one.acquire()
        except TimeoutError as error:
            message = "Other recounts are under way; send the same request again."
            raise unavailable("overloaded", message, retry_after_s=5) from error
        try:
            yield
        finally:
            self._one.release()
