"""Requests to the product's API over keep-alive connections.

They need a tenth of the processor time of a full client, so the load generator hardly slows down what it measures.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from bench.population import ORG, ORGS

READ_S, REPEATED_S, PAUSE_S, VISIBLE_PAUSE_S = 30.0, 180.0, 0.05, 0.01
JSON = "application/json"


class Target(NamedTuple):
    """The address of a service, and a token for each org."""

    host: str
    port: int
    tokens: Mapping[str, str]


class Response(NamedTuple):
    """An HTTP response. ``position`` is the header X-Log-Position, or empty."""

    status: int
    position: str
    body: bytes


class HttpConnection:
    """A connection for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def call(self, *parts: bytes) -> Response:
        """Send one request, given as its parts, and return the response.

        Raises `OSError` or `EOFError` if the connection is lost, `TimeoutError` after 30 s without a response.
        """
        self._writer.writelines(parts)
        async with asyncio.timeout(READ_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            lines = (line.partition(b":") for line in head.split(b"\r\n"))
            headers = {name.lower(): value.strip() for name, _, value in lines}
            body = await self._reader.readexactly(int(headers.get(b"content-length", 0)))
        return Response(int(head[9:12]), headers.get(b"x-log-position", b"").decode(), body)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


class UnexpectedResponse(Exception):
    """A response that a measurement must not get; its figures would be wrong."""

    @classmethod
    def of(cls, response: Response) -> "UnexpectedResponse":
        """Quote status and body."""
        return cls(f"{response.status} {response.body[:300]!r}")


async def connect(target: Target) -> HttpConnection:
    """Open a connection. Raises `OSError`."""
    return HttpConnection(*await asyncio.open_connection(target.host, target.port))


def request_head(
    target: Target, method: str, path: str, length: int = 0, *, org: str = ORG, media: str = JSON, extra: str = ""
) -> bytes:
    """Return the head of a request; ``extra`` is one more header line."""
    lines = [
        f"{method} /api/v1/{org}{path} HTTP/1.1",
        f"Host: {target.host}:{target.port}",
        f"Authorization: Bearer {target.tokens[org]}",
        f"Content-Type: {media}",
        f"Content-Length: {length}",
        *([extra] if extra else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def send(connection: HttpConnection, *parts: bytes, pause_s: float = PAUSE_S) -> Response:
    """Send a request, again after each 429 and 503, and return the successful response.

    Raises `UnexpectedResponse` for any other response, and after three minutes of 429 and 503.
    """
    deadline = perf_counter() + REPEATED_S
    while True:
        response = await connection.call(*parts)
        if 200 <= response.status < 300:
            return response
        if response.status not in (429, 503) or perf_counter() > deadline:
            raise UnexpectedResponse.of(response)
        await asyncio.sleep(pause_s)


async def on_connections(
    target: Target, connections: int, worker: Callable[[HttpConnection], Coroutine[Any, Any, None]]
) -> None:
    """Run a worker on each of several connections until all have ended."""
    opened = [await connect(target) for _ in range(connections)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for connection in opened:
                tasks.create_task(worker(connection))
    finally:
        for connection in opened:
            connection.close()


async def get(connection: HttpConnection, target: Target, path: str, wait_for: str = "", org: str = ORG) -> Any:
    """Return the decoded body of a read once the positions ``wait_for`` are visible. Raises as `send` does."""
    extra = f"X-Wait-For-Position: {wait_for}" if wait_for else ""
    response = await send(connection, request_head(target, "GET", path, org=org, extra=extra), pause_s=VISIBLE_PAUSE_S)
    return msgspec.json.decode(response.body)


async def count_events(connection: HttpConnection, target: Target) -> int:
    """Return how many events the API reports, over all sessions of all orgs."""
    total = 0
    for org in ORGS:
        page, pages = 1, 1
        while page <= pages:
            body = await get(connection, target, f"/sessions?per_page=100&page={page}", org=org)
            total += sum(session["counts"]["events"] for session in body["data"])
            page, pages = page + 1, body["meta"]["total_pages"]
    return total
