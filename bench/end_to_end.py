"""How many events a second does an installation accept, project and show, on one machine with its clients?

And how long after its response can an event be read, at a steady 10,000 events a second?
"""

import asyncio
from functools import partial
from time import perf_counter

import uvloop

from bench.harness import Question, Report, Result, at_least, at_most, plain
from bench.http_client import Connection, Response, connect
from bench.load import Generator, Load, Target, UnexpectedResponse, count_events, get, percentile
from bench.payloads import make_scripts
from bench.services import http_service, temporary_folder

UP_EVENTS, UP_MARK = 400_000, 25_000
STACK_EVENTS, STACK_MARK = 500_000, 40_000
RATE, SECONDS = 10_000, 20
PROBE_CONNECTIONS = 16
PROBE_EVERY = 10  # responses
VISIBLE_MARK_S = 1.5


def _measure(command: str, events: int, mark: float, report: Report) -> list[Result]:
    """Measure from the first request until a read sees every event; the API counts them at the end."""
    name = f"end_to_end_{command}"
    report(f"starting `{command}`")
    with temporary_folder() as folder, http_service(folder, command) as (_, target):
        load, seconds = uvloop.run(send_and_wait(target, events, report))
    return [
        at_least(f"{name} events/s", load.accepted / seconds, "events/s", mark),
        plain(f"{name} accepted", load.rate, "events/s"),
        plain(f"{name} behind at the end", seconds - load.seconds, "s"),
        plain(f"{name} p99 of a request", percentile(load.latencies, 0.99) * 1e3, "ms"),
    ]


async def send_and_wait(target: Target, events: int, report: Report) -> tuple[Load, float]:
    """Send events and wait until all are visible; return the load and the seconds.

    Raises:
        UnexpectedResponse: the API reports another number of events.
    """
    generator = Generator(target, make_scripts(), events)
    await generator.create()
    begin = perf_counter()
    load = await generator.run(report=report)
    report(f"{load.accepted:,} events accepted, waiting until all can be read")
    connection = await connect(target.host, target.port)
    await get(connection, target, "/sessions?per_page=1", load.positions)
    seconds = perf_counter() - begin
    counted = await count_events(connection, target)
    connection.close()
    if counted != load.accepted:
        raise UnexpectedResponse(f"{load.accepted:,} events accepted, but the API reports {counted:,}")
    return load, seconds


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
        for _ in range(PROBE_CONNECTIONS):
            self._idle.put_nowait(await connect(self._target.host, self._target.port))

    def on_response(self, response: Response) -> None:
        """Follow up one response in ten."""
        self._responses += 1
        if self._responses % PROBE_EVERY == 0:
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


def _measure_visible(report: Report) -> list[Result]:
    """Measure `up` and `stack`."""
    return [*_measure_visible_on("up", report), *_measure_visible_on("stack", report)]


def _measure_visible_on(command: str, report: Report) -> list[Result]:
    name = f"visible_latency {command}"
    with temporary_folder() as folder, http_service(folder, command) as (_, target):
        delays, requests = uvloop.run(_probe(target, lambda text: report(f"{command}: {text}")))
    return [
        plain(f"{name} p50", percentile(delays, 0.5), "s"),
        at_most(f"{name} p95", percentile(delays, 0.95), "s", VISIBLE_MARK_S),
        plain(f"{name} p99 of a request", percentile(requests, 0.99) * 1e3, "ms"),
    ]


QUESTIONS = (
    Question(
        "end_to_end_up",
        "`up`: HTTP → log → tables → read, load generator included",
        partial(_measure, "up", UP_EVENTS, UP_MARK),
    ),
    Question(
        "end_to_end_stack",
        "`stack`: HTTP → Kafka → tables → read, load generator included",
        partial(_measure, "stack", STACK_EVENTS, STACK_MARK),
    ),
    Question("visible_latency", "from response to visible, at a steady 10,000 events/s", _measure_visible),
)
