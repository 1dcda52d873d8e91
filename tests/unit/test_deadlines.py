"""Deadlines that one sweep checks: they end their body like `asyncio.timeout`, and nothing else."""

import asyncio

import pytest

from ingest import deadlines as module
from ingest.deadlines import Deadline, Deadlines


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweep often."""
    monkeypatch.setattr(module, "SWEEP_S", 0.01)


async def test_a_body_ends_at_its_deadline() -> None:
    """Only the one whose deadline has passed."""
    deadlines = Deadlines()
    async with deadlines.after(60):
        with pytest.raises(TimeoutError):
            async with deadlines.after(0.02):
                await asyncio.sleep(60)


async def test_a_deadline_can_be_moved() -> None:
    """A body may run until the new one."""

    async def work() -> None:
        async with Deadlines().after(0.02) as deadline:
            deadline.when += 60
            await asyncio.sleep(0.05)
            deadline.when -= 60
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await work()


async def test_a_cancelled_task_stays_cancelled() -> None:
    """Even if its deadline passes at the same time: whoever cancels a task waits for its end."""
    deadlines = Deadlines()
    entered: asyncio.Future[Deadline] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        async with deadlines.after(60) as deadline:
            entered.set_result(deadline)
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    deadline = await entered
    task.cancel()
    deadline.expire()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_sweep_is_left_without_deadlines() -> None:
    """An idle service does nothing."""
    deadlines = Deadlines()
    async with deadlines.after(60):
        await asyncio.sleep(0.03)
    await asyncio.sleep(0.03)

    assert not deadlines._is_sweeping
