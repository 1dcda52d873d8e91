"""Liveness and readiness routes, at the root, without a credential."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from edge.authentication import PUBLIC
from edge.errors import ApiError
from schemas.http.fields import doc

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]
CACHED_S = 1.0
Live = Annotated[dict[str, str], doc("The process responds.", {"status": "ok"})]
Ready = Annotated[dict[str, str], doc("The parts that respond.", {"status": "ok", "log": "ok", "store": "ok"})]


def cached(readiness: Readiness, clock: Callable[[], float] = monotonic) -> Readiness:
    """Return a check that runs at most once a second. Concurrent callers share one run."""
    began = 0.0
    check: asyncio.Future[Mapping[str, bool]] | None = None

    async def ready() -> Mapping[str, bool]:
        nonlocal began, check
        if check is None or (check.done() and clock() - began >= CACHED_S):
            began, check = clock(), asyncio.ensure_future(readiness())
        return await asyncio.shield(check)  # the check continues if this client disconnects

    return ready


async def check_all(*parts: Readiness) -> Mapping[str, bool]:
    """Run several checks concurrently and merge their results."""
    return {name: here for part in await asyncio.gather(*(part() for part in parts)) for name, here in part.items()}


def health_routes(readiness: Readiness) -> list[HTTPRouteHandler]:
    """Return ``/livez`` and ``/readyz``. ``readiness`` maps each part to whether it responds; it runs once a second."""
    ask = cached(readiness)

    @get("/livez", opt=PUBLIC, operation_id="Livez", sync_to_thread=False)
    def livez() -> Response[Live]:
        """Return 200 while the process responds."""
        return Response({"status": "ok"})

    @get("/readyz", opt=PUBLIC, operation_id="Readyz")
    async def readyz() -> Response[Ready]:
        """Return 200 if every part that this service needs responds, else 503 and the parts that do not."""
        parts = await ask()
        if away := {name: ["is away"] for name, here in parts.items() if not here}:
            raise ApiError(503, "not_ready", "A part of the service is unavailable.", away, {"Retry-After": "1"})
        return Response({"status": "ok", **dict.fromkeys(parts, "ok")})

    return [livez, readyz]
