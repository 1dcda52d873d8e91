"""What an org may ask for in an hour: so many writes, so many reads. Every authenticated reply says what is left.

Litestar's own rate limit keeps the time of each request of the hour in one list, which it reads from its store and
writes back whole at each request: at 600,000 an hour that is megabytes, and of two processes that do so at once one is
not counted. So this is a counter instead, and one step on the server where several processes share it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple, cast

from litestar import Litestar
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from edge.errors import ApiError
from edge.principal import Principal
from edge.request_counters import RequestCounter

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Allowance(NamedTuple):
    """What is left of a limit after this request; ``remaining`` is -1 where it was one too many."""

    limit: int
    remaining: int
    resets_in_s: int

    def headers(self) -> dict[str, str]:
        """As every reply carries them."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.remaining)),
            "X-RateLimit-Reset": str(self.resets_in_s),
        }


class RateLimits:
    """The limits of every org, 0 for none, and who counts."""

    def __init__(self, counter: RequestCounter, writes_per_hour: int, reads_per_hour: int) -> None:
        self._counter = counter
        self._limits = {"writes": writes_per_hour, "reads": reads_per_hour}

    async def spend(self, org_id: str, method: str) -> Allowance | None:
        """Count a request, whatever its size; None where there is no limit to tell."""
        kind = "reads" if method in _READS else "writes"
        limit = self._limits[kind]
        if limit == 0:
            return None
        window = await self._counter.count(f"{kind}:{org_id}")
        return Allowance(limit, max(-1, limit - window.used), window.ends_in_s)

    @property
    def store_is_away(self) -> bool:
        """Whether each process counts by itself for want of the server that should."""
        return self._counter.is_away

    async def close(self) -> None:
        """Let go of what counts."""
        await self._counter.close()


def closing_limits(limits: RateLimits) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan at whose end nothing counts any more."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await limits.close()

    return lifespan


class LimitRate:
    """ASGI middleware behind `Authenticate`: what needs no credential is free."""

    def __init__(self, app: ASGIApp, limits: RateLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal: Principal | None = scope.get("user")
        method = cast(HTTPScope, scope)["method"]
        left = None if principal is None else await self.limits.spend(principal.org_id, method)
        if left is None:
            await self.app(scope, receive, send)
        elif left.remaining < 0:
            raise too_many_requests(left)
        else:
            await self.app(scope, receive, _with_headers(left, send))


def _with_headers(left: Allowance, send: Send) -> Send:
    headers = [(name.lower().encode(), value.encode()) for name, value in left.headers().items()]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return send_with_headers


def too_many_requests(left: Allowance) -> ApiError:
    """The hour of the caller's org is used up."""
    message = "Your organisation has used up its requests of this hour; send the same request again later."
    return ApiError(429, "rate_limited", message, headers={**left.headers(), "Retry-After": str(left.resets_in_s)})
