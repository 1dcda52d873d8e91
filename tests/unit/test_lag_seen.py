"""A projector's view of the log while its store answers, hangs or fails."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from processors.marks import progress as module
from processors.marks.progress import Progress
from store.errors import StoreUnavailable
from tests.support.waiting import eventually

WRITTEN = 5


class GrowingLog:
    """A log of one partition that gains a record between two reads."""

    def __init__(self) -> None:
        self.end = WRITTEN

    async def ends(self) -> Sequence[int]:
        self.end += 1
        return [self.end]


class HangingStore:
    """A warehouse whose inserts end when the test lets them."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.inserts = 0

    def insert(self, table: str, rows: bytes) -> None:
        self.inserts += 1
        self.may_end.wait(20)


@asynccontextmanager
async def running(store: Any) -> Any:
    pipeline = MagicMock(written={0: WRITTEN}, assigned={0})
    pipeline.rollups.keep_moments = AsyncMock()
    progress = Progress(pipeline, store, GrowingLog(), lambda: 1_000)
    task = asyncio.create_task(progress.run())
    try:
        yield progress, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, RuntimeError):
            await task


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)


async def until(met: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, met)


async def test_records_that_wait_are_seen_while_the_store_hangs() -> None:
    """Its call may last for minutes; the watchdog and the alerts rely on what is seen meanwhile."""
    store = HangingStore()
    async with running(store) as (progress, _):
        await until(lambda: progress.places() and progress.places()[0].records > 10)
        inserts = store.inserts
        store.may_end.set()
        await until(lambda: store.inserts > 3)

    assert inserts == 1  # a report waits for the previous one


async def test_a_store_that_fails_is_reported_again() -> None:
    """Each round tries again."""
    failing = MagicMock()
    failing.insert.side_effect = StoreUnavailable("away")
    async with running(failing) as (progress, task):
        await until(lambda: failing.insert.call_count > 3)
        assert not task.done()

    assert progress.places()[0].waits


async def test_what_is_not_expected_ends_it() -> None:
    """It does not continue blindly: its caller gets the error, and ends the process."""
    broken = MagicMock()
    broken.insert.side_effect = RuntimeError("a fault of ours")
    async with running(broken) as (_, task):
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await asyncio.wait_for(task, 10)
