"""How long after its response can an event be read, at a steady 10,000 events a second?"""

import asyncio
from time import perf_counter

import uvloop

from bench.harness import Question, Report, Result, at_most, plain
from bench.http_client import Connection, Response, connect
from bench.load import Generator, Target, get, percentile
from bench.payloads import make_scripts
from bench.services import http_service, temporary_folder

RATE, SECONDS = 10_000, 20
CONNECTIONS = 16
EVERY = 10  # responses
MARK_S = 1.5


class Prober:
    """Reads what was acknowledged, on its own connections, and measures when it is visible."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()
        self._responses = 0
        self.delays: list[float] = []

    async def open(self) -> None:
        """Connect."""
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await connect(self._target.host, self._target.port))

    def on_response(self, response: Response) -> None:
        """Follow up one response in ten."""
        self._responses += 1
        if self._responses % EVERY == 0:
            task = asyncio.ensure_future(self._probe(response.position, perf_counter()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _probe(self, position: str, acknowledged: float) -> None:
        connection = await self._idle.get()
        await get(connection, self._target, "/sessions?per_page=1", position)
        self.delays.append(perf_counter() - acknowledged)
        self._idle.put_nowait(connection)

    async def finish(self) -> None:
        """Wait for the running probes."""
        await asyncio.gather(*self._running)


async def _probe(target: Target, report: Report) -> tuple[list[float], list[float]]:
    """Return the seconds from response to visible, and those of each request."""
    generator, prober = Generator(target, make_scripts(), RATE * SECONDS), Prober(target)
    await generator.create()
    await prober.open()
    generator.on_response = prober.on_response
    load = await generator.run(RATE, report)
    await prober.finish()
    return prober.delays, load.latencies


def _measure(report: Report) -> list[Result]:
    """Measure `up` and `stack`."""
    return [*_measure_one("up", report), *_measure_one("stack", report)]


def _measure_one(command: str, report: Report) -> list[Result]:
    name = f"visible_latency {command}"
    with temporary_folder() as folder, http_service(folder, command) as (_, target):
        delays, requests = uvloop.run(_probe(target, lambda text: report(f"{command}: {text}")))
    return [
        plain(f"{name} p50", percentile(delays, 0.5), "s"),
        at_most(f"{name} p95", percentile(delays, 0.95), "s", MARK_S),
        plain(f"{name} p99 of a request", percentile(requests, 0.99) * 1e3, "ms"),
    ]


QUESTIONS = (Question("visible_latency", "from response to visible, at a steady 10,000 events/s", _measure),)
