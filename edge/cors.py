"""Which browser pages may call the API and which headers they may read (CORS), and ``Allow`` on OPTIONS responses.

Litestar answers OPTIONS from the first router of a path. ``Allow`` must list the methods of all routers.
"""

from collections.abc import Iterable, Sequence

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, Scope

RawHeader = tuple[bytes, bytes]
_STATE = "allowed_methods"
EXPOSED_HEADERS = (
    "ETag Retry-After X-Complete-Through X-Generation X-Log-Position X-RateLimit-Limit X-RateLimit-Remaining"
    " X-RateLimit-Reset X-Request-Id"
).split()


def cors_config(allowed_origins: Sequence[str]) -> CORSConfig | None:
    """Return Litestar's CORS configuration; None if no page may call. Pages send tokens, so cookies are not allowed."""
    if not allowed_origins:
        return None
    return CORSConfig(allow_origins=list(allowed_origins), expose_headers=EXPOSED_HEADERS, allow_headers=["*"])


def drop_foreign_origins(scope: HTTPScope, cors: CORSConfig | None) -> None:
    """Remove the ``Origin`` of pages that may not call, so that their responses carry no CORS headers.

    Litestar would refuse the preflight request in another error shape, and list the headers that pages may read.
    """
    if cors is None or cors.is_allow_all_origins:
        return
    scope["headers"] = [
        (name, value)
        for name, value in scope["headers"]
        if name != b"origin" or cors.is_origin_allowed(value.decode("latin-1"))
    ]


def collect_methods(app: Litestar) -> None:
    """Store the methods of each path in the app's state, once."""
    routes = (route for route in app.routes if isinstance(route, HTTPRoute))
    app.state[_STATE] = {route.path_format: ", ".join(sorted(route.route_handler_map)).encode() for route in routes}


def set_allow_header(app: Litestar, scope: Scope, headers: Iterable[RawHeader]) -> list[RawHeader]:
    """Return the headers of an OPTIONS response with ``Allow`` listing all methods of the path."""
    allowed = app.state[_STATE].get(scope.get("path_template"))
    return [(name, allowed if name == b"allow" and allowed else value) for name, value in headers]
