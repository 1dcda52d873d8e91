"""Limit each org's writes and reads per hour. Every authenticated response states the remaining requests.

Litestar's rate limit stores the time of each request in one list, which it reads and rewrites at each request. At
600,000 requests per hour the list grows to megabytes, and one of two concurrent requests is not counted. This module
counts instead, in one atomic step if several processes share the counter.
"""

import time
from collections.abc import Callable
from math import ceil
from typing import NamedTuple, cast

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from edge.errors import ApiError
from edge.principal import Principal

HOUR_S = 3_600
_WINDOWS_MAX = 10_000  # above this number, expired windows are removed


class Window(NamedTuple):
    """Requests in the hour that began with the first of them, and the rest of that hour in seconds."""

    used: int
    ends_in_s: int


class RequestCounter:
    """Counts in the memory of this process. `RedisCounter` is shared by processes.

    A counter never fails and never delays a request for long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # name: (end of the hour, requests in it)

    async def count(self, name: str, requests: int = 1, limit: int | None = None) -> Window:
        """Count requests under this name. Concurrent requests each get a different number.

        If they would exceed ``limit``, none of them is counted, but the returned window includes them.
        """
        now = self._clock()  # nothing is awaited below, so read and write are one step
        ends_at, used = self._windows.get(name, (0.0, 0))
        if now >= ends_at:
            ends_at, used = now + HOUR_S, 0
            if len(self._windows) >= _WINDOWS_MAX:
                self._windows = {name: window for name, window in self._windows.items() if now < window[0]}
        total = used + requests
        self._windows[name] = ends_at, total if limit is None or total <= limit else used
        return Window(total, min(HOUR_S, ceil(ends_at - now)))  # rounding may exceed the hour

    @property
    def is_away(self) -> bool:
        """Whether the counter shared with other processes is unreachable."""
        return False

    async def close(self) -> None:
        """Close connections, if any."""


# The common ones, and those of draft-ietf-httpapi-ratelimit-headers.
_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SPENDING = "spending"


class Allowance(NamedTuple):
    """The rest of a limit after this request; ``remaining`` is -1 if the request exceeded it."""

    kind: str  # "writes" or "reads"
    limit: int
    remaining: int
    resets_in_s: int
    resets_at: int  # in seconds since 1970

    def headers(self) -> dict[str, str]:
        """Return the headers of every response."""
        kind, limit, remaining = self.kind, self.limit, max(0, self.remaining)
        policy, left = f'"{kind}";q={limit};w={HOUR_S}', f'"{kind}";r={remaining};t={self.resets_in_s}'
        values = f"{limit}", f"{remaining}", f"{self.resets_at}", policy, left
        return dict(zip(_HEADERS, values, strict=True))


class RateLimits:
    """The limits of every org (0: no limit) and the counter. ``clock`` gives seconds since 1970."""

    def __init__(
        self, counter: RequestCounter, writes_per_hour: int, reads_per_hour: int, clock: Callable[[], float] = time.time
    ) -> None:
        self.counter, self._clock = counter, clock
        self._limits = {"writes": writes_per_hour, "reads": reads_per_hour}

    async def spend(self, org_id: str, method: str) -> "Spending | None":
        """Count a request of any size; return None if there is no limit."""
        kind = "reads" if method in _READS else "writes"
        limit = self._limits[kind]
        if limit == 0:
            return None
        name = f"{kind}:{org_id}"
        window = await self.counter.count(name)
        resets_at = int(self._clock()) + window.ends_in_s
        allowance = Allowance(kind, limit, max(-1, limit - window.used), window.ends_in_s, resets_at)
        return Spending(self.counter, name, allowance)


class Spending:
    """What a request has used up so far; ``allowance`` is the rest of the limit."""

    def __init__(self, counter: RequestCounter, name: str, allowance: Allowance) -> None:
        self._counter, self._name = counter, name
        self.allowance = allowance

    async def charge(self, requests: int) -> None:
        """Count the request, which was counted once, as several, but not as more than the whole limit.

        Otherwise a request that counts as more than the limit could never succeed. If fewer are left, nothing more is
        counted, and it raises `ApiError` (429).
        """
        limit = self.allowance.limit
        more = min(requests, limit) - 1
        if more <= 0:
            return
        window = await self._counter.count(self._name, more, limit)
        is_beyond = window.used > limit
        self.allowance = self.allowance._replace(remaining=limit - window.used + (more if is_beyond else 0))
        if is_beyond:
            left = self.allowance
            message = (
                f"This request counts as {more + 1} writes, one for each session, and your organisation has"
                f" {max(0, left.remaining)} left for this hour; send the same request again later, or fewer sessions at"
                " once."
            )
            # The middleware adds the other headers.
            raise ApiError(429, "rate_limited", message, headers={"Retry-After": str(left.resets_in_s)})


async def charge(scope: Scope, requests: int) -> None:
    """Count the request of this scope as several; see `Spending.charge`."""
    spending: Spending | None = scope["state"].get(_SPENDING)
    if spending is not None:
        await spending.charge(requests)


class LimitRate:
    """ASGI middleware after `Authenticate`. Public routes are not counted."""

    def __init__(self, app: ASGIApp, limits: RateLimits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal: Principal | None = scope.get("user")
        spending = None if principal is None else await spend(self.limits, principal, cast(HTTPScope, scope))
        if spending is None:
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *limit_headers(spending)]
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def spend(limits: RateLimits, principal: Principal, scope: HTTPScope) -> Spending | None:
    """Count a request, so that `charge` can count it as several. Raises `ApiError` (429) if nothing is left."""
    spending = await limits.spend(principal.org_id, scope["method"])
    if spending is not None:
        if spending.allowance.remaining < 0:
            raise too_many_requests(spending.allowance)
        scope["state"][_SPENDING] = spending
    return spending


def limit_headers(spending: Spending | None) -> list[tuple[bytes, bytes]]:
    """Return the headers that state the rest of the limit, if there is one."""
    if spending is None:
        return []
    return [(name.encode(), value.encode()) for name, value in spending.allowance.headers().items()]


def too_many_requests(left: Allowance) -> ApiError:
    """Return 429: the org has used up its requests for this hour."""
    message = "Your organisation has used up its requests for this hour; send the same request again later."
    return ApiError(429, "rate_limited", message, headers={**left.headers(), "Retry-After": str(left.resets_in_s)})
