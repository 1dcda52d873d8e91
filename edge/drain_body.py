"""Drain the body of a refused request, so that a client that is still sending receives the response.

Closing a connection with unread bytes resets it, and the response is lost.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from schemas.http.requests import BODY_BYTES_MAX

if TYPE_CHECKING:  # a service that is starting answers before Litestar is loaded
    from litestar.types import HTTPReceiveMessage, HTTPScope, Receive

DRAIN_BYTES_MAX = 3 * BODY_BYTES_MAX
DRAIN_WITHIN_S = 2.0
_SIGNS = {b"content-length", b"transfer-encoding"}


class DrainableBody:
    """The body of one request, and how much of it has arrived."""

    def __init__(self, scope: "HTTPScope", receive: "Receive") -> None:
        self._receive = receive
        self._size = 0
        names = {name for name, _ in scope["headers"]}
        self._is_whole = names.isdisjoint(_SIGNS)
        self._waits = b"expect" in names  # the client sends nothing before the server asks for it

    async def receive(self) -> "HTTPReceiveMessage":
        self._waits = False
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message["body"])
            self._is_whole = not message["more_body"]
        else:
            self._is_whole = True
        return message  # type: ignore[return-value]  # there are no websockets here

    async def drain(self) -> None:
        """Receive the rest, within `DRAIN_WITHIN_S` and up to `DRAIN_BYTES_MAX`."""
        if self._waits:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_WITHIN_S):
                while not self._is_whole and self._size < DRAIN_BYTES_MAX:
                    await self.receive()
