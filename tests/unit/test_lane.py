"""The lane: one thread that alternates between tasks. Short work does not wait for long work, and long work ends."""

import asyncio
import threading
from collections.abc import Sequence
from uuid import uuid4

import msgspec
import pytest

from ingest.lane import ON_THE_LOOP, Lane
from ingest.privacy.policy import _redacted_in_turns
from schemas.log.records import Event


def events(count: int, name: str) -> Sequence[Event]:
    """Return pieces of 100 kB each; two make one turn."""
    data = msgspec.Raw(msgspec.json.encode({"password": "a1b2c3d4e5", "name": name, "a": "x" * 100_000}))
    return [Event(uuid4(), "Stop", 0, data) for _ in range(count)]


async def test_work_runs_one_after_the_other() -> None:
    """Any number of tasks share the one thread, which is never the thread of the event loop."""
    lane = Lane()
    busy = threading.Lock()

    def work(number: int) -> tuple[int, int]:
        assert busy.acquire(blocking=False)
        busy.release()
        return number, threading.get_ident()

    results = await asyncio.gather(*(lane.run(work, number) for number in range(50)))

    assert [number for number, _ in results] == list(range(50))
    assert len({thread for _, thread in results} - {threading.get_ident()}) == 1
    assert await ON_THE_LOOP.run(threading.get_ident) == threading.get_ident()


async def test_work_that_is_cancelled_before_its_turn_never_runs() -> None:
    """Its request already got a 503."""
    lane, begin, ran = Lane(), threading.Event(), []
    first = asyncio.ensure_future(lane.run(begin.wait))
    second = asyncio.ensure_future(lane.run(ran.append, "second"))
    await asyncio.sleep(0.01)

    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second  # cancelling takes a turn of the loop, during which the thread must not be free
    begin.set()
    await first
    await lane.run(ran.append, "third")

    assert ran == ["third"]


async def test_a_short_request_does_not_wait_for_long_ones() -> None:
    """Of the long requests, the first ends before the second; in parallel both would end too late."""
    lane, order = Lane(), []

    async def request(count: int, name: str) -> None:
        await _redacted_in_turns(events(count, name), b"k" * 32, lane)
        order.append(name)

    await asyncio.gather(request(60, "first"), request(40, "second"), request(2, "short"))

    assert order == ["short", "first", "second"]
    assert not lane.long_work.locked()
