"""Whether the process lives, and whether what it depends on answers. Both at the root, without a credential."""

from collections.abc import Awaitable, Callable, Mapping

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from edge.authentication import PUBLIC
from edge.described import answers_with
from edge.errors import ApiError

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]


def health_routes(readiness: Readiness) -> list[HTTPRouteHandler]:
    """``/livez`` and ``/readyz``; ``readiness`` names each part and whether it answers."""

    @get("/livez", opt=PUBLIC | answers_with({"status": "ok"}), operation_id="Livez", sync_to_thread=False)
    def livez() -> Response[dict[str, str]]:
        """The process answers."""
        return Response({"status": "ok"})

    @get("/readyz", opt=PUBLIC | answers_with({"status": "ok", "log": "ok", "store": "ok"}), operation_id="Readyz")
    async def readyz() -> Response[dict[str, str]]:
        """Every part that this service needs answers; else 503, which says which one does not."""
        parts = await readiness()
        if away := {name: ["is away"] for name, here in parts.items() if not here}:
            raise ApiError(503, "not_ready", "A part of the service is away.", away, {"Retry-After": "1"})
        return Response({"status": "ok", **dict.fromkeys(parts, "ok")})

    return [livez, readyz]
