"""Recounts, one at a time."""

import asyncio

import pytest

from audit.routes import RecountTurns
from edge.errors import ApiError


async def test_recounts_run_one_after_the_other() -> None:
    """This holds for any number of simultaneous requests."""
    turns = RecountTurns()
    under_way: list[int] = []

    async def recount() -> None:
        async with turns.turn(60):
            under_way.append(1)
            assert len(under_way) == 1
            await asyncio.sleep(0)
            under_way.pop()

    await asyncio.gather(*(recount() for _ in range(20)))


async def test_who_waits_too_long_may_ask_again() -> None:
    """It gets a 503 with Retry-After; the running recount is not disturbed, and the next one follows."""
    turns = RecountTurns()
    async with turns.turn(0):
        with pytest.raises(ApiError) as refused:
            await turns.turn(0).__aenter__()

    assert (refused.value.status, refused.value.code) == (503, "overloaded")
    assert refused.value.headers == {"Retry-After": "5"}
    async with turns.turn(0):
        pass


async def test_a_recount_that_fails_gives_its_turn_back() -> None:
    """The next recount does not have to wait."""
    turns = RecountTurns()
    with pytest.raises(ZeroDivisionError):
        async with turns.turn(0):
            raise ZeroDivisionError

    async with turns.turn(0):
        pass
