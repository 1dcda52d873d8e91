"""The outermost layer of a service: request id, common headers, access log. It sees every response, errors included."""

import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import cast

from litestar import Litestar
from litestar.enums import HttpMethod, ScopeType
from litestar.status_codes import HTTP_400_BAD_REQUEST
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from edge.compression import compressing
from edge.cors import drop_foreign_origins, set_allow_header
from edge.door import Door
from edge.drain_body import DrainableBody
from edge.headers import CACHE_CONTROL, NO_SNIFFING, request_id_of
from edge.logging import AccessLog
from edge.metrics import Observe

# One or more segments. No segment is empty, "." or "..", so a path has no trailing slash. Org names may need escapes
# (spaces, colons, other alphabets). Letters, digits, "-", ".", "_", "~" and "/" may not be escaped: routes consist of
# them.
_CANONICAL = re.compile(
    rb"(?:/(?!\.\.?(?:/|\Z))"
    rb"(?:[^/%]++|%(?:[0189a-f][0-9a-f]|2[0-9a-c]|3[a-f]|40|5[b-e]|60|7[b-df]))+)+|/",
    re.IGNORECASE,
)
# An org name has up to 200 characters of up to 12 escaped bytes each. The limit bounds memory: the router caches the
# last 1,024 paths, including those of requests without a credential.
PATH_BYTES_MAX = 4_096
UNROUTABLE_PATH = "/…"  # replaces a path with another spelling; no route matches it

_CLIENT_CLOSED_REQUEST = 499  # only in access log and metrics: the client disconnected before the response
_JSON = (b"content-type", b"application/json")
_JSON_WITH_CHARSET = (b"content-type", b"application/json; charset=utf-8")


class App(Litestar):
    """Litestar with common headers and logging around it. Litestar's middleware sees no unknown routes or methods."""

    observe: Observe = staticmethod(lambda _scope, _status, _began: None)
    access_log: AccessLog  # set by `build_service`
    door: Door | None = None
    internal: "App | None" = None  # health and metrics, if they have their own port

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._handle(cast(HTTPScope, scope), cast(Receive, receive), cast(Send, send))
        else:
            try:
                await super().__call__(scope, receive, send)
            finally:
                self.access_log.close()  # the lifespan has ended

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Enter the lifespan for a server that sends no lifespan messages."""
        try:
            async with self.lifespan():
                yield
        finally:
            self.access_log.close()

    async def _handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        began, status, method = time.perf_counter(), _CLIENT_CLOSED_REQUEST, scope["method"]
        request_id = request_id_of(scope)
        headers = [NO_SNIFFING, (b"x-request-id", request_id.encode())]
        drop_foreign_origins(scope, self.cors_config)
        if not is_canonical(scope["raw_path"]):
            scope["path"] = UNROUTABLE_PATH
        if is_head := method == HttpMethod.HEAD:
            scope["method"] = HttpMethod.GET  # routes handle only GET; the body is dropped below

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= HTTP_400_BAD_REQUEST:
                    await body.drain()
                message["headers"] = [*_completed(message["headers"]), *headers]
                if scope["method"] == HttpMethod.OPTIONS:
                    message["headers"] = set_allow_header(self, scope, message["headers"])
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        body, send_reply = DrainableBody(scope, receive), compressing(scope, send_with_headers)
        outside = bind_contextvars(request_id=request_id)  # `bound_contextvars` would copy the context twice
        try:
            if self.door is None or not await self.door.answer(scope, body.receive, send_reply):
                await super().__call__(scope, body.receive, send_reply)
        finally:
            scope["method"] = method  # for log and metrics
            self.access_log.note(scope, status, began, request_id)
            self.observe(scope, status, began)
            reset_contextvars(**outside)


def is_canonical(raw_path: bytes) -> bool:
    """Return whether a path, as sent, has the one accepted spelling. Takes about a microsecond.

    A proxy that compares paths byte by byte must see the path that is routed, and the router by itself would route
    ``//metrics``, ``/x/../metrics``, ``/metrics/`` and ``/%6detrics`` to ``/metrics``.
    """
    return len(raw_path) <= PATH_BYTES_MAX and _CANONICAL.fullmatch(raw_path) is not None


def _completed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    completed = [_JSON_WITH_CHARSET if header == _JSON else header for header in headers]
    return completed if any(name == CACHE_CONTROL[0] for name, _ in completed) else [*completed, CACHE_CONTROL]
