"""A deadline for calls that ignore their cancellation, and the log reader that needs it."""

import asyncio
import contextlib
from typing import Any

import pytest

from ingest.log.kafka import reader
from ingest.log.kafka.topic import KafkaTopic
from schemas.deadline import within
from schemas.log.position import LogUnavailable

LIMIT_S = 0.02
ENOUGH_S = 5.0


async def deaf(until: asyncio.Event) -> str:
    """Wait, and take no notice of cancellations."""
    while not until.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await until.wait()
    raise ValueError("too late")


async def test_the_caller_goes_on_though_the_call_ignores_its_cancellation() -> None:
    """What the call raises later is not reported."""
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    until = asyncio.Event()
    async with asyncio.timeout(ENOUGH_S):
        with pytest.raises(TimeoutError, match=r"no answer within 0.02 s"):
            await within(LIMIT_S, deaf(until))
        until.set()
        for _ in range(3):
            await asyncio.sleep(0)

    assert reported == []


async def test_a_call_in_time_returns_or_raises_and_is_cancelled_with_its_caller() -> None:
    """As with `asyncio.timeout`."""
    ended = asyncio.Event()

    async def cancellable() -> None:
        try:
            await asyncio.sleep(ENOUGH_S)
        finally:
            ended.set()

    assert await within(ENOUGH_S, asyncio.sleep(0, "done")) == "done"
    until = asyncio.Event()
    until.set()
    with pytest.raises(ValueError, match="too late"):
        await within(ENOUGH_S, deaf(until))
    caller = asyncio.create_task(within(ENOUGH_S, cancellable()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.wait_for(ended.wait(), ENOUGH_S)


class Consumer:
    """A consumer that answers; the first one hangs until ``over``, even when it is stopped."""

    def __init__(self, over: asyncio.Event, *, hangs: bool) -> None:
        self.over, self.hangs = over, hangs

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        await self._answer()

    async def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        await self._answer()
        return dict.fromkeys(partitions, 7)

    async def _answer(self) -> None:
        if self.hangs:
            await deaf(self.over)


async def test_a_reader_whose_consumer_hangs_reports_an_outage_and_connects_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a projector would wait for it for good: no record would seem to wait, and no watchdog would bark."""

    async def accepted(*_: Any, **__: Any) -> None:
        return

    over = asyncio.Event()
    consumers = [Consumer(over, hangs=True), Consumer(over, hangs=False)]
    monkeypatch.setattr(reader, "AIOKafkaConsumer", lambda **_: consumers.pop(0))
    monkeypatch.setattr(reader, "check_credentials", accepted)
    for name in ("_ANSWER_S", "_STOP_S"):
        monkeypatch.setattr(reader, name, LIMIT_S)
    log = reader.KafkaLogReader(KafkaTopic("127.0.0.1:1", "t", 2))

    async with asyncio.timeout(ENOUGH_S):
        with pytest.raises(LogUnavailable, match="no answer within"):
            await log.ends()
        assert await log.ends() == [7, 7]
        await log.stop()
    over.set()
