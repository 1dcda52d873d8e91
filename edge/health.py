"""Whether the process lives, and whether what it depends on answers. Both at the root, without a credential."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from edge.authentication import PUBLIC
from edge.errors import ApiError
from edge.route_docs import responds_with

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]
CACHED_S = 1.0


def cached(readiness: Readiness, clock: Callable[[], float] = monotonic) -> Readiness:
    """The same, asked once a second at most, however many want to know; those who ask at once share one check."""
    began = 0.0
    check: asyncio.Future[Mapping[str, bool]] | None = None

    async def ready() -> Mapping[str, bool]:
        nonlocal began, check
        if check is None or (check.done() and clock() - began >= CACHED_S):
            began, check = clock(), asyncio.ensure_future(readiness())
        return await asyncio.shield(check)  # it goes on without a client that hangs up

    return ready


async def check_all(*parts: Readiness) -> Mapping[str, bool]:
    """What several say, asked at the same time."""
    return {name: here for part in await asyncio.gather(*(part() for part in parts)) for name, here in part.items()}


def health_routes(readiness: Readiness) -> list[HTTPRouteHandler]:
    """``/livez`` and ``/readyz``; ``readiness`` names each part and whether it answers. It is asked once a second."""
    ask = cached(readiness)

    @get("/livez", opt=PUBLIC | responds_with({"status": "ok"}), operation_id="Livez", sync_to_thread=False)
    def livez() -> Response[dict[str, str]]:
        """The process answers."""
        return Response({"status": "ok"})

    @get("/readyz", opt=PUBLIC | responds_with({"status": "ok", "log": "ok", "store": "ok"}), operation_id="Readyz")
    async def readyz() -> Response[dict[str, str]]:
        """Every part that this service needs answers; else 503, which says which one does not."""
        parts = await ask()
        if away := {name: ["is away"] for name, here in parts.items() if not here}:
            raise ApiError(503, "not_ready", "A part of the service is away.", away, {"Retry-After": "1"})
        return Response({"status": "ok", **dict.fromkeys(parts, "ok")})

    return [livez, readyz]
