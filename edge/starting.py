"""Answer requests while a service starts: 503 with ``Retry-After``, and in a browser a page that reloads itself.

`Front` is served from the first moment, and passes requests on once the service is complete. This module imports
neither Litestar nor anything else that takes long.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from edge.drain_body import DrainableBody
from edge.errors import ApiError, unavailable
from edge.headers import CACHE_CONTROL, NO_SNIFFING, find_header, request_id_of
from schemas.http.responses import ErrorBody

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive, Send

    from edge.outermost import App

# The page may not load anything or be embedded; reloading needs no script.
_PAGE_POLICY = (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
RETRY_AFTER_S = 1
_RETRY_AFTER = (b"retry-after", str(RETRY_AFTER_S).encode())
_JSON = b"application/json; charset=utf-8"
_Answer = tuple[int, bytes, bytes, tuple[tuple[bytes, bytes], ...]]  # status, media type, body, more headers


class Front:
    """An ASGI app that answers requests itself until a service takes over; it needs no lifespan messages."""

    def __init__(self, page: bytes, internal: "Front | None" = None) -> None:
        """``page`` is for browsers; ``internal`` is the front of health and metrics at another address."""
        self._page, self.internal = page, internal
        self._service: App | None = None

    async def __call__(self, scope: Any, receive: "Receive", send: "Send") -> None:
        if self._service is not None:
            await self._service(scope, receive, send)
        elif scope["type"] == "http":
            await _answer(scope, receive, send, self._page)

    @asynccontextmanager
    async def showing(self, service: "App") -> AsyncIterator[None]:
        """Pass requests to the service within this context."""
        async with AsyncExitStack() as ending:
            await ending.enter_async_context(service.running())
            if self.internal is not None and service.internal is not None:
                await ending.enter_async_context(self.internal.showing(service.internal))
            self._service = service
            yield


async def _answer(scope: "HTTPScope", receive: "Receive", send: "Send", page: bytes) -> None:
    request_id = request_id_of(scope)
    status, media_type, body, more_headers = _choose(scope, request_id, page)
    await DrainableBody(scope, receive).drain()
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        *more_headers,
        NO_SNIFFING,
        (b"x-request-id", request_id.encode()),
        CACHE_CONTROL,
    ]
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    sent = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": sent, "more_body": False})


def _choose(scope: "HTTPScope", request_id: str, page: bytes) -> _Answer:
    reads, path = scope["method"] in ("GET", "HEAD"), scope["path"]
    if reads and path == "/livez":
        return 200, _JSON, b'{"status":"ok"}', ()
    if reads and path == "/readyz":
        details = {"service": ["is starting"]}
        error = ApiError(503, "not_ready", "A part of the service is unavailable.", details)
    elif reads and "text/html" in find_header(scope, b"accept", ""):
        return 503, b"text/html; charset=utf-8", page, (_RETRY_AFTER, _PAGE_POLICY)
    else:
        error = unavailable("starting", "The service is starting; send the same request again.")
    body = ErrorBody(error.message, error.code, dict(error.details), request_id)
    return error.status, _JSON, msgspec.json.encode(body), (_RETRY_AFTER,)
