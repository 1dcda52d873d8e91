"""Recounts take turns, one at a time in a process: at once they would keep every reader busy.

The audit in the background does not wait: it must not fail for want of a turn.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.errors import unavailable

ORG_WAIT_S = 5.0
OPERATOR_WAIT_S = 20.0  # a command runs for a person, who would have to start it again


class RecountTurns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, wait_s: float) -> AsyncIterator[None]:
        """Wait for a turn for so long, and have it inside.

        Raises:
            ApiError: 503, it does not come in time.
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
