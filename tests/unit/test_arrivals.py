"""Bodies in transit: their limit in bytes, which body is evicted for another, and how long one may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from edge.errors import ApiError
from ingest import arrivals as module
from ingest.arrivals import Arrival, Arrivals
from schemas.log.position import LogUnavailable

MAX = 1_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every time limit short."""
    for name, seconds in (("SILENCE_S", 1.0), ("GRACE_S", 0.4), ("YOUNG_S", 0.0), ("APPEND_DEADLINE_S", 0.1)):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def outcome_of(arrival: Arrival, *sizes: int, pause_s: float = 0.0, whole: bool = False) -> Exception | None:
    """Return the outcome of a body whose client sends this many bytes at a time, and then stops."""
    try:
        async with arrival:
            for size in sizes:
                await arrival.grow(size)
                await asyncio.sleep(pause_s)
            if whole:
                await arrival.whole()
            await asyncio.sleep(5)
    except (ApiError, LogUnavailable) as error:
        return error
    return None


def code_of(error: Exception | None) -> object:
    return (error.status, error.code) if isinstance(error, ApiError) else type(error)


async def test_a_silent_client_is_refused() -> None:
    """A client that begins a body and then sends nothing gets 408."""
    assert code_of(await outcome_of(Arrivals(MAX).arrival("acme"), 10)) == (408, "slow_body")


async def test_a_client_that_trickles_is_refused() -> None:
    """A client that always sends the next byte in time, but never enough bytes, is refused."""
    sizes = [1] * 1_000

    assert code_of(await outcome_of(Arrivals(MAX).arrival("acme"), *sizes, pause_s=0.01)) == (408, "slow_body")


async def test_a_large_body_has_the_time_that_its_size_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that takes longer than the grace period arrives completely if it is fast enough."""
    monkeypatch.setattr(module, "BYTES_PER_S_MIN", 100)
    arrival = Arrivals(MAX).arrival("acme")
    async with arrival:
        for _ in range(8):
            await asyncio.sleep(0.1)
            await arrival.grow(20)
        await arrival.whole()


async def test_a_request_that_is_not_answered_in_time_may_be_sent_again() -> None:
    """The response is a retryable 503: the body has arrived, and the outcome is unknown."""
    assert code_of(await outcome_of(Arrivals(MAX).arrival("acme"), 10, whole=True)) is LogUnavailable


async def test_the_body_that_has_been_arriving_longest_makes_room() -> None:
    """The oldest arriving body is evicted; a new body or one that has arrived is not."""
    arrivals = Arrivals(MAX)
    async with arrivals.arrival("a") as arrived:
        await arrived.grow(300)
        await arrived.whole()
        stalled = asyncio.ensure_future(outcome_of(arrivals.arrival("b"), 400))
        other = asyncio.ensure_future(outcome_of(arrivals.arrival("c"), 300))
        await asyncio.sleep(0)
        async with arrivals.arrival("d") as newcomer:
            await newcomer.grow(400)
            held = arrivals.bytes

    assert code_of(await stalled) == (503, "overloaded")
    assert code_of(await other) == (408, "slow_body")
    assert (held, arrivals.bytes) == (1_000, 0)


async def test_an_org_holds_half_at_most(opened: AsyncExitStack) -> None:
    """An org uses at most half of the bytes, so others have room; its bodies evict only its own bodies."""
    arrivals = Arrivals(MAX)
    stalled = asyncio.ensure_future(outcome_of(arrivals.arrival("acme"), 300))
    await asyncio.sleep(0)
    nosy = await opened.enter_async_context(arrivals.arrival("acme"))
    await nosy.grow(400)
    await nosy.whole()
    async with arrivals.arrival("acme") as third:
        with pytest.raises(ApiError) as refused:
            await third.grow(101)
    other = await opened.enter_async_context(arrivals.arrival("globex"))
    await other.grow(500)

    assert code_of(await stalled) == (503, "overloaded")
    assert code_of(refused.value) == (503, "overloaded")


async def test_a_young_body_makes_no_room(monkeypatch: pytest.MonkeyPatch, opened: AsyncExitStack) -> None:
    """A young body may be as fast as the new one, so the new one is refused and may be retried."""
    monkeypatch.setattr(module, "YOUNG_S", 60)
    arrivals = Arrivals(MAX)
    young = await opened.enter_async_context(arrivals.arrival("a"))
    await young.grow(500)
    second = await opened.enter_async_context(arrivals.arrival("b"))
    await second.grow(400)

    with pytest.raises(ApiError) as refused:
        await second.grow(101)

    assert code_of(refused.value) == (503, "overloaded")
    assert arrivals.bytes == 900


async def test_a_lone_body_always_fits() -> None:
    """A single body fits, however large it is once inflated."""
    arrivals = Arrivals(MAX)
    async with arrivals.arrival("acme") as lone:
        await lone.grow(900)
        await lone.whole()
        lone.resize(5_000)
        held = arrivals.bytes

    assert (held, arrivals.bytes) == (5_000, 0)


async def test_bytes_that_come_as_the_time_is_up_do_not_count() -> None:
    """They arrive in the same turn of the event loop as the time-out."""
    arrivals = Arrivals(MAX)
    arrival = arrivals.arrival("acme")
    refused = asyncio.ensure_future(outcome_of(arrival, 10, 10))
    await asyncio.sleep(0)

    arrival.make_room()

    assert code_of(await refused) == (503, "overloaded")
    assert arrivals.bytes == 0
