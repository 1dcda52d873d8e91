"""Turns: a process runs one recount at a time, because several at once would occupy every reader.

The background audit takes no turn, so that it cannot fail because another recount is running.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.errors import unavailable

ORG_WAIT_S = 5.0
OPERATOR_WAIT_S = 20.0  # a person who runs the command would have to start it again


class RecountTurns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, wait_s: float) -> AsyncIterator[None]:
        """Wait at most ``wait_s`` seconds for the turn, and hold it inside the block.

        Raises:
            ApiError: 503 if it does not come in time.
        """
        try:
            async with asyncio.timeout(wait_s):
                await self._one.acquire()
        except TimeoutError as error:
            message = "Other recounts are under way; send the same request again."
            raise unavailable("overloaded", message, retry_after_s=5) from error
        try:
            yield
        finally:
            self._one.release()
