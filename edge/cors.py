"""Browsers: which pages may call the API (CORS), and which headers they may read."""

from collections.abc import Sequence

from litestar.config.cors import CORSConfig
from litestar.types import HTTPScope

EXPOSED = [
    "ETag",
    "Retry-After",
    "X-Complete-Through",
    "X-Log-Position",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
]


def cors_for(allowed_origins: Sequence[str]) -> CORSConfig | None:
    """Litestar's configuration, None where no page may call. Tokens are sent by the page, so no cookies are allowed."""
    if not allowed_origins:
        return None
    return CORSConfig(allow_origins=list(allowed_origins), expose_headers=EXPOSED, allow_headers=["*"])


def forget_other_origins(scope: HTTPScope, cors: CORSConfig | None) -> None:
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
