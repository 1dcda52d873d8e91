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
EXPOSED_HEADERS = [
    "ETag",
    "Retry-After",
    "X-Complete-Through",
    "X-Log-Position",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
]


def cors_config(allowed_origins: Sequence[str]) -> CORSConfig | None:
    """Litestar's configuration, None where no page may call. Tokens are sent by the page, so no cookies are allowed."""
    if not allowed_origins:
        return None
    return CORSConfig(allow_origins=list(allowed_origins), expose_headers=EXPOSED_HEADERS, allow_headers=["*"])


def drop_foreign_origins(scope: HTTPScope, cors: CORSConfig | None) -> None:
    """A page that may not call is answered like anything that is no browser, without a header that lets it read.

    Litestar would refuse its preflight in a shape of its own, and tell it which headers it could have read.
    """
    if cors is None or cors.is_allow_all_origins:
        return
    scope["headers"] = [
        (name, value)
        for name, value in scope["headers"]
        if name != b"origin" or cors.is_origin_allowed(value.decode("latin-1"))
    ]


def collect_methods(app: Litestar) -> None:
    """Note, once, which methods each address has."""
    routes = (route for route in app.routes if isinstance(route, HTTPRoute))
    app.state[_STATE] = {route.path_format: ", ".join(sorted(route.route_handler_map)).encode() for route in routes}


def set_allow_header(app: Litestar, scope: Scope, headers: Iterable[RawHeader]) -> list[RawHeader]:
    """The headers of a reply to OPTIONS, ``Allow`` put right."""
    allowed = app.state[_STATE].get(scope.get("path_template"))
    return [(name, allowed if name == b"allow" and allowed else value) for name, value in headers]
