"""The load generator: it sends prebuilt bodies over keep-alive connections, and counts accepted events."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from time import perf_counter

import msgspec
from msgspec import Struct

from bench.api import Target, UnexpectedResponse, on_connections, request_head, send
from bench.harness import Report
from bench.http_client import HttpConnection, Response
from bench.payloads import BATCH, make_creations, make_scripts, place_in_script
from bench.population import draw_sessions, take_turns

CONNECTIONS = 32


class Load(Struct):
    """What was sent. ``seconds`` runs from the first request to the last response, ``latencies`` are per request."""

    accepted: int = 0
    seconds: float = 0.0
    latencies: list[float] = []
    ends: dict[int, int] = {}  # per partition: the highest acknowledged offset
    sessions: dict[int, str] = {}  # ids, by number in the plan

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.accepted / self.seconds

    @property
    def positions(self) -> str:
        """The value of X-Wait-For-Position that waits for all of it."""
        return ",".join(f"{partition}:{offset}" for partition, offset in sorted(self.ends.items()))


class Generator:
    """Sends ``events`` events, ``batch`` in a request, to sessions of several orgs and lengths (`population.py`)."""

    def __init__(self, target: Target, events: int, batch: int = BATCH) -> None:
        self._target, self._scripts, self._batch = target, make_scripts(batch), batch
        self._sessions = draw_sessions(events // batch, batch)
        self._events = events
        self.load = Load()
        self.on_begin: Callable[[], None] = lambda: None  # called when the sessions exist, before the first request
        self.on_response: Callable[[Response], None] = lambda _: None

    async def run(self, rate: float | None = None, report: Report = lambda _: None) -> Load:
        """Create the sessions, then send everything, at ``rate`` events a second or as fast as possible.

        Creation is not measured. With a rate, a latency counts from when the request was due: a request that is sent
        late, behind a slow one, counts as slow too.
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
                response = await self._send(connection, *parts)
                self.load.latencies.append(perf_counter() - sent)
                self._count(response)

        reporting = asyncio.ensure_future(self._report_rate(begin, report))
        try:
            await on_connections(self._target, CONNECTIONS, worker)
        finally:
            reporting.cancel()
        self.load.seconds = perf_counter() - begin
        return self.load

    async def _create_sessions(self) -> None:
        queue = zip(count(), self._sessions, make_creations())

        async def worker(connection: HttpConnection) -> None:
            for number, session, body in queue:
                head = request_head(self._target, "POST", "/sessions", len(body), org=session.org)
                response = await self._send(connection, head, body)
                self.load.sessions[number] = msgspec.json.decode(response.body)["data"]["id"]

        await on_connections(self._target, CONNECTIONS, worker)

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        for request in take_turns(self._sessions):
            script, place = place_in_script(request, len(self._scripts[0]))
            body = self._scripts[script][place]
            path = f"/observability/sessions/{self.load.sessions[request.session]}/events"
            org = self._sessions[request.session].org
            yield request_head(self._target, "POST", path, len(body), org=org), body

    async def _send(self, connection: HttpConnection, *parts: bytes) -> Response:
        response = await send(connection, *parts)
        partition, _, offset = response.position.partition(":")
        self.load.ends[int(partition)] = max(int(offset), self.load.ends.get(int(partition), 0))
        return response

    def _count(self, response: Response) -> None:
        data = msgspec.json.decode(response.body)["data"]
        if data["rejected"]:
            raise UnexpectedResponse(f"rejected: {data['rejected'][:3]}")
        self.load.accepted += data["accepted"]
        self.on_response(response)

    async def _report_rate(self, begin: float, report: Report) -> None:
        while True:
            await asyncio.sleep(0.5)
            rate = self.load.accepted / (perf_counter() - begin)
            report(f"{self.load.accepted:,} of {self._events:,} events, {rate:,.0f}/s")
