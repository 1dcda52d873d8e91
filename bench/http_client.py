"""An HTTP/1.1 client on a bare asyncio protocol: one request at a time on a keep-alive connection.

It needs a tenth of the processor time of a full client, so the load generator hardly slows down what it measures.
"""

import asyncio
from typing import NamedTuple, cast

READ_S = 30.0


class Response(NamedTuple):
    """An HTTP response. ``position`` is the header X-Log-Position, or empty."""

    status: int
    position: str
    body: bytes


class HttpConnection(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._response: asyncio.Future[Response] | None = None
        self._head_end = -1
        self._length = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transport is not a subclass of asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._response is not None and not self._response.done():
            self._response.set_exception(ConnectionError(str(exc or "closed by the server")))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._head_end < 0:
            self._head_end = self._buffer.find(b"\r\n\r\n")
            if self._head_end < 0:
                return
            self._length = int(_header(self._buffer[: self._head_end], b"content-length") or 0)
        if len(self._buffer) >= self._head_end + 4 + self._length:
            self._finish()

    def _finish(self) -> None:
        head, body = bytes(self._buffer[: self._head_end]), bytes(self._buffer[self._head_end + 4 :])
        self._buffer.clear()
        self._head_end = -1
        if self._response is not None and not self._response.done():
            self._response.set_result(Response(int(head[9:12]), _header(head, b"x-log-position").decode(), body))

    async def call(self, *parts: bytes) -> Response:
        """Send one request, given as its parts, and return the response.

        Raises:
            ConnectionError: the connection is lost.
            TimeoutError: no response within 30 s.
        """
        if self.transport is None:
            raise ConnectionError("not connected")
        self._response = asyncio.get_running_loop().create_future()
        self.transport.writelines(parts)
        async with asyncio.timeout(READ_S):
            return await self._response

    def close(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            self.transport.close()


def _header(head: bytes | bytearray, name: bytes) -> bytes:
    lower = head.lower()
    at = lower.find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    begin = at + len(name) + 3
    end = head.find(b"\r\n", begin)
    return bytes(head[begin : end if end >= 0 else len(head)]).strip()


async def connect(host: str, port: int) -> HttpConnection:
    """Open a connection. Raises `OSError`."""
    _, connection = await asyncio.get_running_loop().create_connection(HttpConnection, host, port)
    return connection
