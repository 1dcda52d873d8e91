"""Both request counters behave in the same way. The shared one runs on a real server that stops and returns."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from edge import redis_counter as module
from edge.rate_limits import HOUR_S, RequestCounter
from edge.redis_counter import _PREFIX, RETRY_AFTER_S, TIMEOUT_S, RedisCounter, open_redis_counter
from tests.support.rigs.redis import RedisServer, need_redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(need_redis(), tmp_path).start()
    yield server
    server.kill()


@pytest.fixture(params=["local", "redis"])
async def counter(request: pytest.FixtureRequest) -> AsyncIterator[RequestCounter]:
    if request.param == "local":
        yield RequestCounter()
        return
    counter = open_redis_counter(request.getfixturevalue("server").url)
    yield counter
    await counter.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server, which shares a busy machine with these tests, answer late, instead of counting without it."""
    monkeypatch.setattr(module, "TIMEOUT_S", 30.0)


async def test_each_name_is_counted_by_itself(counter: RequestCounter) -> None:
    """Counts start at one, in an hour that begins with the first request."""
    counted = [await counter.count(name) for name in ("a", "a", "b", "a ünusual: name\N{SNOWMAN}")]

    assert [window.used for window in counted] == [1, 2, 1, 1]
    assert all(HOUR_S - 5 <= window.ends_in_s <= HOUR_S for window in counted)


async def test_what_would_exceed_the_limit_is_not_counted(counter: RequestCounter) -> None:
    """A request that counts as several is counted as a whole or not at all, in one step."""
    asked = ((3, 10), (8, 10), (7, 10), (1, 10), (2, None))
    used = [(await counter.count("a", requests, limit)).used for requests, limit in asked]

    assert used == [3, 11, 10, 11, 12]


async def test_several_requests_at_once_share_what_is_left(patient: None, counter: RequestCounter) -> None:
    """Exactly as many as fit are counted."""
    windows = await asyncio.gather(*(counter.count("busy", 7, 100) for _ in range(50)))

    assert sum(window.used <= 100 for window in windows) == 14
    assert (await counter.count("busy")).used == 99


async def test_requests_at_once_are_counted_apart(patient: None, counter: RequestCounter) -> None:
    """Each gets a different number, so that a limit admits exactly as many requests."""
    windows = await asyncio.gather(*(counter.count("busy") for _ in range(200)))

    assert sorted(window.used for window in windows) == list(range(1, 201))


async def test_processes_share_one_count(patient: None, server: RedisServer) -> None:
    """Two processes together admit no more requests than one alone."""
    both = [open_redis_counter(server.url) for _ in range(2)]

    windows = await asyncio.gather(*(both[number % 2].count("shared") for number in range(200)))

    assert sorted(window.used for window in windows) == list(range(1, 201))
    for counter in both:
        await counter.close()


async def test_an_hour_on_the_server_ends(server: RedisServer) -> None:
    """Its key expires, also one that lost its expiry (set by hand, restored from a backup)."""
    redis = Redis.from_url(server.url)
    counter = RedisCounter(redis)

    await counter.count("a")
    ttl = await redis.ttl(_PREFIX + "a")
    await redis.set(_PREFIX + "b", 41)
    without_expiry = await counter.count("b")
    await redis.pexpireat(_PREFIX + "a", 1)  # as if the hour were over
    again = await counter.count("a")

    assert HOUR_S - 5 <= ttl <= HOUR_S
    assert without_expiry == (42, HOUR_S)
    assert again == (1, HOUR_S)
    await counter.close()


@pytest.mark.parametrize("outage", ["killed", "hangs"])
async def test_an_unreachable_server_is_no_outage(server: RedisServer, outage: str) -> None:
    """The process uses its own counter without a long wait, logs it once, and later returns to the server."""
    clock = Clock()
    counter = RedisCounter(Redis.from_url(server.url), clock)
    await counter.count("a")
    server.kill() if outage == "killed" else server.send(signal.SIGSTOP)

    began = time.monotonic()
    with capture_logs() as logs:
        away = [await counter.count("a") for _ in range(50)]
        waited_s = time.monotonic() - began
        clock.now += RETRY_AFTER_S
        still_away = await counter.count("a")
        was_away = counter.is_away
        server.start() if outage == "killed" else server.send(signal.SIGCONT)
        clock.now += RETRY_AFTER_S
        back = await counter.count("a")

    assert [window.used for window in (*away, still_away)] == list(range(1, 52))
    assert (was_away, counter.is_away) == (True, False)
    assert waited_s < TIMEOUT_S + 0.5
    assert back.used <= 4  # on the server again, which may have counted requests that got no answer
    assert [log["event"] for log in logs] == ["rate_limit_store_away", "rate_limit_store_back"]
    await counter.close()


async def test_a_server_that_refuses_is_no_outage_either(server: RedisServer) -> None:
    """A wrong password or a key of another type is handled like an unreachable server."""
    redis = Redis.from_url(server.url)
    await redis.rpush(_PREFIX + "a", "list")
    counter = RedisCounter(redis)
    assert (await counter.count("a")).used == 1
    await redis.config_set("requirepass", "secret")

    other = open_redis_counter(server.url)
    assert (await other.count("b")).used == 1
    for each in (counter, other):
        await each.close()
