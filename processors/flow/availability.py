"""Whether something outside this process answers: the store, or the log. Calls are repeated until it does."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from processors.flow.observer import Observer
from schemas.log.position import LogUnavailable
from store.errors import StoreUnavailable

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


class PatientCalls:
    """Calls the store, in threads, and the log until they answer. All coroutines belong to one event loop."""

    def __init__(self, observer: Observer) -> None:
        self.store = Availability(StoreUnavailable, "store_unavailable")
        self.log = Availability(LogUnavailable, "log_unavailable")
        self._observer = observer
        self._fold_thread = ThreadPoolExecutor(1, "fold")
        self._write_threads = ThreadPoolExecutor(2, "write")
        self._rollup_thread = ThreadPoolExecutor(1, "rollups")

    async def in_fold_thread(self, call: Callable[[], T]) -> T:
        """Call the store where batches are folded."""
        return await self._call(self._fold_thread, call)

    async def in_write_threads(self, step: str, call: Callable[[], T]) -> T:
        """Call the store for a step of a batch, and report how long it took."""
        begun = time.monotonic()
        result = await self._call(self._write_threads, call)
        self._observer.step_done(step, time.monotonic() - begun)
        return result

    async def in_rollup_thread(self, step: str, call: Callable[[], T]) -> T:
        """Call the store beside the batches. For the watchdog, only batches are progress."""
        begun, loop = time.monotonic(), asyncio.get_running_loop()
        result = await self.store.ask(lambda: loop.run_in_executor(self._rollup_thread, call), lambda: None)
        self._observer.step_done(step, time.monotonic() - begun)
        return result

    async def read_log(self, read: Callable[[], Awaitable[T]]) -> T:
        return await self.log.ask(read, self._observer.alive)

    def answering(self) -> dict[str, bool]:
        """Return what the pipeline depends on, and whether that answers. May be called from any thread."""
        return {"log": self.log.is_up, "store": self.store.is_up}

    def close(self) -> None:
        """End the threads once projection has stopped; a call in progress ends by itself."""
        for threads in (self._fold_thread, self._write_threads, self._rollup_thread):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _call(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        result = await self.store.ask(lambda: loop.run_in_executor(threads, call), self._observer.alive)
        self._observer.alive()
        return result
