"""`/readyz` runs one check a second, whose result all clients share."""

import asyncio
from collections.abc import Mapping

import pytest

from edge.health import cached, check_all


class Part:
    """A part that takes time to say whether it is available."""

    def __init__(self) -> None:
        self.is_there, self.asked, self.now = True, 0, 0.0
        self.answers = asyncio.Event()
        self.answers.set()

    async def ready(self) -> Mapping[str, bool]:
        self.asked += 1
        await self.answers.wait()
        return {"part": self.is_there}


async def test_an_answer_counts_for_a_second() -> None:
    """All requests within a second get this result; then a new check runs."""
    part = Part()
    ready = cached(part.ready, lambda: part.now)

    for _ in range(2_000):
        assert await ready() == {"part": True}
        part.now += 0.0004
    assert part.asked == 1
    part.is_there, part.now = False, 1.0

    assert await ready() == {"part": False}
    assert part.asked == 2


async def test_those_who_ask_at_once_share_a_check_however_long_it_takes() -> None:
    """A part that hangs is checked only once."""
    part = Part()
    part.answers.clear()
    ready = cached(part.ready, lambda: part.now)

    asking = [asyncio.ensure_future(ready()) for _ in range(100)]
    await asyncio.sleep(0)
    part.now = 5.0
    asking += [asyncio.ensure_future(ready()) for _ in range(100)]
    await asyncio.sleep(0)
    part.answers.set()

    assert await asyncio.gather(*asking) == [{"part": True}] * 200
    assert part.asked == 1


async def test_a_client_that_hangs_up_takes_no_check_with_it() -> None:
    """Otherwise each client that disconnects would cause another check."""
    part = Part()
    part.answers.clear()
    ready = cached(part.ready, lambda: part.now)
    impatient = asyncio.ensure_future(ready())
    await asyncio.sleep(0)

    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    part.answers.set()

    assert await ready() == {"part": True}
    assert part.asked == 1


async def test_parts_are_asked_at_the_same_time() -> None:
    """Two parts that hang take as long as one."""
    first, second = Part(), Part()
    first.answers.clear()
    asking = asyncio.ensure_future(check_all(first.ready, second.ready))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert second.asked == 1
    first.answers.set()
    assert await asking == {"part": True}
