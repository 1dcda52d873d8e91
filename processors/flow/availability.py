"""Whether something outside this process answers: the store, or the log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

T = TypeVar("T")
RETRY_FIRST_S, RETRY_MAX_S = 0.1, 5.0

logger = structlog.get_logger()


class Availability:
    """Repeats calls that fail temporarily, and counts them. One event loop writes it; any thread may read it."""

    def __init__(self, outage: type[Exception], event: str) -> None:
        """``outage`` is what a call raises while the target is away; it is logged as ``event``."""
        self.retries = 0
        self._outage, self._event = outage, event
        self._failing: set[object] = set()

    @property
    def is_up(self) -> bool:
        return not self._failing

    def failed(self, call: object) -> None:
        self.retries += 1
        self._failing.add(call)

    def ended(self, call: object) -> None:
        """Note that ``call`` was answered, or is no longer repeated."""
        self._failing.discard(call)

    async def ask(self, call: Callable[[], Awaitable[T]], on_failure: Callable[[], None]) -> T:
        """Repeat ``call`` until it is answered, however long that takes."""
        pause = RETRY_FIRST_S
        try:
            while True:
                try:
                    return await call()
                except self._outage as error:
                    logger.warning(self._event, error=str(error), retry_s=pause)
                    self.failed(call)
                    on_failure()
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY_MAX_S)
        finally:
            self.ended(call)
