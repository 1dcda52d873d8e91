"""The load generator: prebuilt bodies over keep-alive connections.

It counts accepted events. After 503 or 429 it repeats the same request.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bench.harness import Report
from bench.http_client import HttpConnection, Response, connect
from bench.payloads import BATCH, count_sessions, make_creations, make_scripts, schedule_batches

ORG = "acme"
CONNECTIONS = 32
REPEATS_MAX = 200
PAUSE_S = 0.05
VISIBLE_S = 180.0


class Target(NamedTuple):
    """The service under load, and a token for it."""

    host: str
    port: int
    token: str


class Load(Struct):
    """What was sent. ``seconds`` runs from the first request to the last response, ``latencies`` are per request."""

    accepted: int = 0
    seconds: float = 0.0
    latencies: list[float] = []
    ends: dict[int, int] = {}  # per partition: the highest acknowledged offset
    sessions: list[str] = []

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.accepted / self.seconds

    @property
    def positions(self) -> str:
        """The value of X-Wait-For-Position that waits for all of it."""
        return ",".join(f"{partition}:{offset}" for partition, offset in sorted(self.ends.items()))


class UnexpectedResponse(Exception):
    """A response that a measurement must not get; its numbers would be wrong."""

    @classmethod
    def of(cls, response: Response) -> "UnexpectedResponse":
        """Quote status and body."""
        return cls(f"{response.status} {response.body[:300]!r}")


def request_head(target: Target, method: str, path: str, length: int, extra: str = "") -> bytes:
    """Return the head of a request; ``extra`` is one more header line."""
    lines = [
        f"{method} /api/v1/{ORG}{path} HTTP/1.1",
        f"Host: {target.host}:{target.port}",
        f"Authorization: Bearer {target.token}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return ("\r\n".join([*lines, *([extra] if extra else [])]) + "\r\n\r\n").encode()


class Generator:
    """Sends ``events`` events in batches of 100 to as many sessions as that takes."""

    def __init__(self, target: Target, events: int) -> None:
        self._target, self._scripts, self._batches = target, make_scripts(), events // BATCH
        self._sessions = count_sessions(events)
        self.load = Load()
        self.on_response: Callable[[Response], None] = lambda _: None

    async def run(self, rate: float | None = None, report: Report = lambda _: None) -> Load:
        """Create the sessions, then send everything, at ``rate`` events a second or as fast as possible.

        Creation is not measured. With a rate, a latency counts from when the request was due.
        """
        await self._create_sessions()
        requests = self._requests()
        begin = perf_counter()
        due_times = (begin + number * BATCH / rate if rate else begin for number in count())

        async def worker(connection: HttpConnection) -> None:
            for parts in requests:
                due = next(due_times)
                if due > (now := perf_counter()):
                    await asyncio.sleep(due - now)
                sent = due if rate else perf_counter()
                response = await self._until_accepted(connection, *parts)
                self.load.latencies.append(perf_counter() - sent)
                self._count(response)

        reporting = asyncio.ensure_future(self._report_rate(begin, report))
        try:
            await self._on_connections(worker)
        finally:
            reporting.cancel()
        self.load.seconds = perf_counter() - begin
        return self.load

    async def _create_sessions(self) -> None:
        queue = iter(make_creations(self._sessions))

        async def worker(connection: HttpConnection) -> None:
            for body in queue:
                head = request_head(self._target, "POST", "/sessions", len(body))
                response = await self._until_accepted(connection, head, body)
                self.load.sessions.append(msgspec.json.decode(response.body)["data"]["id"])

        await self._on_connections(worker)

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        ids = self.load.sessions
        for session, script, batch in schedule_batches(self._sessions, self._batches):
            body = self._scripts[script][batch]
            path = f"/observability/sessions/{ids[session]}/events"
            yield request_head(self._target, "POST", path, len(body)), body

    def _count(self, response: Response) -> None:
        data = msgspec.json.decode(response.body)["data"]
        if data["rejected"]:
            raise UnexpectedResponse(f"rejected: {data['rejected'][:3]}")
        self.load.accepted += data["accepted"]
        self.on_response(response)

    async def _until_accepted(self, connection: HttpConnection, *parts: bytes) -> Response:
        for _ in range(REPEATS_MAX):
            response = await connection.call(*parts)
            if 200 <= response.status < 300:
                partition, _, offset = response.position.partition(":")
                self.load.ends[int(partition)] = max(int(offset), self.load.ends.get(int(partition), 0))
                return response
            if response.status not in (429, 503):
                raise UnexpectedResponse.of(response)
            await asyncio.sleep(PAUSE_S)
        raise UnexpectedResponse(f"refused {REPEATS_MAX} times: {response.body[:300]!r}")

    async def _on_connections(self, worker: Callable[[HttpConnection], Any]) -> None:
        connections = [await connect(self._target.host, self._target.port) for _ in range(CONNECTIONS)]
        try:
            async with asyncio.TaskGroup() as tasks:
                for connection in connections:
                    tasks.create_task(worker(connection))
        finally:
            for connection in connections:
                connection.close()

    async def _report_rate(self, begin: float, report: Report) -> None:
        while True:
            await asyncio.sleep(0.5)
            rate = self.load.accepted / (perf_counter() - begin)
            report(f"{self.load.accepted:,} of {BATCH * self._batches:,} events, {rate:,.0f}/s")


async def get(connection: HttpConnection, target: Target, path: str, wait_for: str = "") -> Any:
    """Return the decoded body of a read; with ``wait_for``, repeat it until those positions are visible.

    Raises:
        UnexpectedResponse: any other response, or 429 or 503 for three minutes.
    """
    request = request_head(target, "GET", path, 0, f"X-Wait-For-Position: {wait_for}" if wait_for else "")
    deadline = perf_counter() + VISIBLE_S
    while True:
        response = await connection.call(request)
        if response.status == 200:
            return msgspec.json.decode(response.body)
        if response.status not in (429, 503) or perf_counter() > deadline:
            raise UnexpectedResponse.of(response)
        await asyncio.sleep(0.01)


async def count_events(connection: HttpConnection, target: Target) -> int:
    """Return how many events the API reports, over all sessions."""
    total, page, pages = 0, 1, 1
    while page <= pages:
        body = await get(connection, target, f"/sessions?per_page=100&page={page}")
        total += sum(session["counts"]["events"] for session in body["data"])
        page, pages = page + 1, body["meta"]["total_pages"]
    return total


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
