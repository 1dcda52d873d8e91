"""At a fixed rate, a latency counts from when a request was due: a stall shows in every request that it delays."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from bench import load
from bench.api import Response, Target
from bench.load import Generator, Load
from bench.population import ORGS

STALL_S, EVERY_S = 1.0, 0.25
_sleep = asyncio.sleep


class Clock:
    """A clock that only advances while sleeping or waiting for a response."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await _sleep(0)


class StallingConnection:
    """A service that takes a second for its first batch, and no time for the others."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._stalls = clock, True

    async def call(self, head: bytes, body: bytes) -> Response:
        if b"/sessions HTTP" in head:
            return Response(201, "0:0", msgspec.json.encode({"data": {"id": "s"}}))
        if self._stalls:
            self._stalls = False
            await self._clock.sleep(STALL_S)
        accepted = len(msgspec.json.decode(body)["events"])
        return Response(202, "0:1", msgspec.json.encode({"data": {"accepted": accepted, "rejected": []}}))


async def send(monkeypatch: pytest.MonkeyPatch, events: int, rate: float | None = None) -> Load:
    """Return what the generator measured over one such connection."""
    clock = Clock()
    connection = StallingConnection(clock)

    async def on_one_connection(_: Target, __: int, worker: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        await worker(connection)

    monkeypatch.setattr(load, "perf_counter", clock)
    monkeypatch.setattr(load.asyncio, "sleep", clock.sleep)
    monkeypatch.setattr(load, "on_connections", on_one_connection)
    return await Generator(Target("host", 1, dict.fromkeys(ORGS, "token")), events, batch=100).run(rate)


@pytest.mark.slow
async def test_requests_behind_a_stall_are_slow_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four were due during the stall; counted from when they were sent, all of them would look fast."""
    sent = await send(monkeypatch, 700, rate=100 / EVERY_S)

    assert sent.latencies == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0]
    assert sent.accepted == 700


async def test_without_a_rate_only_the_slow_request_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flooding has no due times: its latencies are those of the responses."""
    sent = await send(monkeypatch, 300)

    assert sent.latencies == [1.0, 0.0, 0.0]
