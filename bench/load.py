"""The load generator: prebuilt bodies over keep-alive connections.

It counts accepted events. After 503 or 429 it repeats the same request.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bench.harness import Report
from bench.http_client import HttpConnection, Response, connect
from bench.payloads import BATCH, make_creations, make_scripts, place_in_script
from bench.population import ORG as ORG  # for those that only read
from bench.population import ORGS, draw_sessions, take_turns

CONNECTIONS = 32
REPEATS_MAX = 200
PAUSE_S = 0.05
VISIBLE_S = 180.0


class Target(NamedTuple):
    """The service under load, and a token for each org."""

    host: str
    port: int
    tokens: Mapping[str, str]


class Load(Struct):
    """What was sent. ``seconds`` runs from the first request to the last response, ``latencies`` are per request."""

    accepted: int = 0
    seconds: float = 0.0
    latencies: list[float] = []
    ends: dict[int, int] = {}  # per partition: the highest acknowledged offset
    sessions: dict[int, str] = {}  # ids, by number in the plan

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


def request_head(target: Target, method: str, path: str, length: int, extra: str = "", org: str = ORG) -> bytes:
    """Return the head of a request; ``extra`` is one more header line."""
    lines = [
        f"{method} /api/v1/{org}{path} HTTP/1.1",
        f"Host: {target.host}:{target.port}",
        f"Authorization: Bearer {target.tokens[org]}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return ("\r\n".join([*lines, *([extra] if extra else [])]) + "\r\n\r\n").encode()


class Generator:
    """Sends ``events`` events, ``batch`` a request, to sessions of several orgs and lengths (`bench.population`)."""

    def __init__(self, target: Target, events: int, batch: int = BATCH, connections: int = CONNECTIONS) -> None:
        self._target, self._scripts, self._batch = target, make_scripts(batch), batch
        self._sessions = draw_sessions(events // batch, batch)
        self._connections = connections
        self._events = events
        self.load = Load()
        self.on_begin: Callable[[], None] = lambda: None  # called when the sessions exist, before the first request
        self.on_response: Callable[[Response], None] = lambda _: None

    async def run(self, rate: float | None = None, report: Report = lambda _: None) -> Load:
        """Create the sessions, then send everything, at ``rate`` events a second or as fast as possible.

        Creation is not measured. With a rate, a latency counts from when the request was due, so one that waited
        behind a slow one, and was sent late, counts as slow too.
        """
        await self._create_sessions()
        requests = self._requests()
        self.on_begin()
        begin = perf_counter()
        due_times = (begin + number * self._batch / rate if rate else begin for number in count())

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
        queue = zip(count(), self._sessions, make_creations())

        async def worker(connection: HttpConnection) -> None:
            for number, session, body in queue:
                head = request_head(self._target, "POST", "/sessions", len(body), org=session.org)
                response = await self._until_accepted(connection, head, body)
                self.load.sessions[number] = msgspec.json.decode(response.body)["data"]["id"]

        await self._on_connections(worker)

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        for request in take_turns(self._sessions):
            script, place = place_in_script(request, len(self._scripts[0]))
            body = self._scripts[script][place]
            path = f"/observability/sessions/{self.load.sessions[request.session]}/events"
            org = self._sessions[request.session].org
            yield request_head(self._target, "POST", path, len(body), org=org), body

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
        connections = [await connect(self._target.host, self._target.port) for _ in range(self._connections)]
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
            report(f"{self.load.accepted:,} of {self._events:,} events, {rate:,.0f}/s")


async def get(connection: HttpConnection, target: Target, path: str, wait_for: str = "", org: str = ORG) -> Any:
    """Return the decoded body of a read; with ``wait_for``, repeat it until those positions are visible.

    Raises:
        UnexpectedResponse: any other response, or 429 or 503 for three minutes.
    """
    request = request_head(target, "GET", path, 0, f"X-Wait-For-Position: {wait_for}" if wait_for else "", org)
    deadline = perf_counter() + VISIBLE_S
    while True:
        response = await connection.call(request)
        if response.status == 200:
            return msgspec.json.decode(response.body)
        if response.status not in (429, 503) or perf_counter() > deadline:
            raise UnexpectedResponse.of(response)
        await asyncio.sleep(0.01)


async def count_events(connection: HttpConnection, target: Target) -> int:
    """Return how many events the API reports, over all sessions of all orgs."""
    return sum([await _count_events_of(org, connection, target) for org in ORGS])


async def _count_events_of(org: str, connection: HttpConnection, target: Target) -> int:
    total, page, pages = 0, 1, 1
    while page <= pages:
        body = await get(connection, target, f"/sessions?per_page=100&page={page}", org=org)
        total += sum(session["counts"]["events"] for session in body["data"])
        page, pages = page + 1, body["meta"]["total_pages"]
    return total


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
