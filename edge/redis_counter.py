"""Count the requests of several processes in Redis or Valkey. If it is unreachable, each process counts its own."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from edge.rate_limits import HOUR_S, RequestCounter, Window

logger = structlog.get_logger()

TIMEOUT_S = 0.5
RETRY_AFTER_S = 1.0  # while it is unreachable, one request per second tries it; the others do not wait
REDIS_POOL_MAX = 8  # requests of a burst wait for a free connection instead of opening more
_NO_LIMIT = -1
_PREFIX = "crewkit-sessions:rate:"

# One atomic step on the server. Every request sets a missing expiry, so no counter stays without one.
_COUNT = """
local used = redis.call('INCRBY', KEYS[1], ARGV[2])
if tonumber(ARGV[3]) >= 0 and used > tonumber(ARGV[3]) then
    redis.call('DECRBY', KEYS[1], ARGV[2])
end
local left = redis.call('TTL', KEYS[1])
if left < 0 then
    left = tonumber(ARGV[1])
    redis.call('EXPIRE', KEYS[1], left)
end
return {used, left}
"""


def open_redis_counter(url: str, password: str | None = None) -> "RedisCounter":
    """Return a counter that connects at its first use; ``password`` is used if the URL has none.

    Raises `ValueError` if the URL is not a Redis URL.
    """
    once_more = Retry(NoBackoff(), 1)  # for a connection that was closed while idle
    login = {"password": password} if password else {}
    pool = BlockingConnectionPool.from_url(url, max_connections=REDIS_POOL_MAX, timeout=None, retry=once_more, **login)
    return RedisCounter(Redis.from_pool(pool))


class RedisCounter(RequestCounter):
    """Counts on a server. If it is unreachable, each process falls back to its own memory."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._redis = redis
        self._script = redis.register_script(_COUNT)
        self._retry_at: float | None = None  # None: the server responds

    async def count(self, name: str, requests: int = 1, limit: int | None = None) -> Window:
        """Count requests on the server if it responds, else in this process."""
        if self._retry_at is not None:
            if self._clock() < self._retry_at:
                return await super().count(name, requests, limit)
            self._retry_at = self._clock() + RETRY_AFTER_S
        arguments = [HOUR_S, requests, _NO_LIMIT if limit is None else limit]
        try:
            async with asyncio.timeout(TIMEOUT_S):
                used, left = cast(list[int], await self._script(keys=[_PREFIX + name], args=arguments))
        except (RedisError, OSError, TimeoutError) as error:
            if self._retry_at is None:
                logger.error("rate_limit_store_away", reason=repr(error), consequence="each process counts by itself")
            self._retry_at = self._clock() + RETRY_AFTER_S
            return await super().count(name, requests, limit)
        if self._retry_at is not None:
            logger.info("rate_limit_store_back")
        self._retry_at = None
        return Window(used, max(1, left))

    @property
    def is_away(self) -> bool:
        return self._retry_at is not None

    async def close(self) -> None:
        await self._redis.aclose()
