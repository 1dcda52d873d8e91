"""The load generator: it sends prebuilt bodies over keep-alive connections, and counts accepted events."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bench.api import HttpConnection, Response, Target, UnexpectedResponse, on_connections, request_head, send
from bench.population import BATCH, draw_sessions, make_creations, make_scripts, place_in_script, take_turns
from bench.question import Report, Turn

CONNECTIONS = 32
REPORT_EVERY = 200  # responses


async def send_all(
    target: Target,
    requests: Iterable[tuple[bytes, bytes]],
    answered: Callable[[int, Response], None],
    every_s: float = 0.0,
    connections: int = CONNECTIONS,
) -> list[float]:
    """Send requests, one every ``every_s`` seconds or as fast as possible; return the seconds that each took.

    At a fixed rate, time counts from when a request was due: a request that is sent late, behind a slow one, counts as
    slow too. ``answered`` gets the number of the request, from 0, and its response.
    """
    numbered, latencies, begin = enumerate(requests), list[float](), perf_counter()

    async def worker(connection: HttpConnection) -> None:
        for number, parts in numbered:
            due = begin + number * every_s
            if every_s and due > (now := perf_counter()):
                await asyncio.sleep(due - now)
            sent = due if every_s else perf_counter()
            response = await send(connection, *parts)
            latencies.append(perf_counter() - sent)
            answered(number, response)

    await on_connections(target, connections, worker)
    return latencies


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


class Sent(NamedTuple):
    """A load, the seconds that count for it, and the processor time of what is measured, without creating sessions.

    ``count_s`` is the processor time of counting the events afterwards.
    """

    load: Load
    seconds: float
    processor_s: float
    count_s: float = 0.0

    @property
    def turn(self) -> Turn:
        """What to compare."""
        cpu_us = self.processor_s / self.load.accepted * 1e6
        return Turn(self.load.accepted / self.seconds, cpu_us, count_s=self.count_s)


class Generator:
    """Sends ``events`` events, ``batch`` in a request, to sessions of several orgs and lengths (`population.py`)."""

    def __init__(self, target: Target, events: int, batch: int = BATCH) -> None:
        self._target, self._scripts, self._batch = target, make_scripts(batch), batch
        self._sessions = draw_sessions(events // batch, batch)
        self._events = events
        self.load = Load()
        self.on_response: Callable[[Response], None] = lambda _: None

    async def create_sessions(self) -> None:
        """Create the sessions, which is not measured."""
        creations = zip(self._sessions, make_creations(len(self._sessions)), strict=True)
        requests = (
            (request_head(self._target, "POST", "/sessions", len(body), org=session.org), body)
            for session, body in creations
        )
        await send_all(self._target, requests, self._created)

    async def run(self, rate: float | None = None, report: Report = lambda _: None) -> Load:
        """Send everything, at ``rate`` events a second if given; first create the sessions unless they exist."""
        if not self.load.sessions:
            await self.create_sessions()
        begin = perf_counter()

        def answered(number: int, response: Response) -> None:
            data = self._data_of(response)
            if data["rejected"]:
                raise UnexpectedResponse(f"rejected: {data['rejected'][:3]}")
            self.load.accepted += data["accepted"]
            self.on_response(response)
            if number % REPORT_EVERY == 0:
                per_s = self.load.accepted / max(1e-3, perf_counter() - begin)
                report(f"{self.load.accepted:,} of {self._events:,} events, {per_s:,.0f}/s")

        every_s = self._batch / rate if rate else 0.0
        self.load.latencies = await send_all(self._target, self._requests(), answered, every_s)
        self.load.seconds = perf_counter() - begin
        return self.load

    def _created(self, number: int, response: Response) -> None:
        self.load.sessions[number] = self._data_of(response)["id"]

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        for request in take_turns(self._sessions):
            script, place = place_in_script(request, len(self._scripts[0]))
            body = self._scripts[script][place]
            path = f"/observability/sessions/{self.load.sessions[request.session]}/events"
            org = self._sessions[request.session].org
            yield request_head(self._target, "POST", path, len(body), org=org), body

    def _data_of(self, response: Response) -> dict[str, Any]:
        """Return the data of a response, and note its position."""
        partition, _, offset = response.position.partition(":")
        self.load.ends[int(partition)] = max(int(offset), self.load.ends.get(int(partition), 0))
        data: dict[str, Any] = msgspec.json.decode(response.body)["data"]
        return data
