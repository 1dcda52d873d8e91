"""How many events a second does an installation accept, project and show, on one machine with its clients?

And how long after its response can an event be read, at a steady 10,000 events a second?
"""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count, cycle
from time import perf_counter
from typing import NamedTuple

import uvloop

from bench.harness import BenchQuestion, Figure, Report, at_most, of_rounds, without_mark
from bench.http_client import HttpConnection, Response, connect
from bench.load import Generator, Load, Target, UnexpectedResponse, count_events, get, percentile
from bench.rounds import ROUNDS, Turn, figures_of
from bench.services import descendants_cpu_s, http_service, temporary_folder

UP_EVENTS, UP_MARK = 250_000, 25_000  # a round
STACK_EVENTS, STACK_MARK = 300_000, 40_000
WARM_UP_EVENTS = 50_000
RATE, SECONDS = 10_000, 20
WARM_UP_S = 5  # before: first connections, first batches, first plans of the store
PROBE_CONNECTIONS = 16
PROBE_EVERY = 10  # responses
READS = {"sessions": "/sessions?per_page=1", "analytics": "/sessions/analytics/summary"}
MARKS_S = {("up", "sessions"): 0.4, ("stack", "sessions"): 0.8, ("up", "analytics"): 1.5, ("stack", "analytics"): 1.5}


def _measure(command: str, events: int, mark: float, report: Report) -> list[Figure]:
    """Measure from the first request until a read sees every event, in rounds; the API counts them at the end."""
    name = f"end_to_end_{command}"
    report(f"starting `{command}`")
    with temporary_folder() as folder, http_service(folder, command) as (_, target):
        uvloop.run(send_and_wait(target, WARM_UP_EVENTS, report))
        sent = [visible_turn(target, events, WARM_UP_EVENTS + events * n, report) for n in range(ROUNDS)]
    return [
        *figures_of(name, [each.turn for each in sent], mark),
        of_rounds(f"{name} accepted", [each.load.rate for each in sent], "events/s"),
        of_rounds(f"{name} behind at the end", [each.seconds - each.load.seconds for each in sent], "s"),
        of_rounds(f"{name} p99 of a request", [percentile(each.load.latencies, 0.99) * 1e3 for each in sent], "ms"),
    ]


class Visible(NamedTuple):
    """A load that can be read, the seconds from its first request, and the processor time of every process."""

    load: Load
    seconds: float
    processor_s: float

    @property
    def turn(self) -> Turn:
        """What to compare."""
        return Turn(self.load.accepted / self.seconds, self.processor_s / self.load.accepted * 1e6)


def visible_turn(target: Target, events: int, already: int, report: Report) -> Visible:
    """Send events and wait until all can be read; ``already`` were sent before."""
    before: list[float] = []
    load, seconds = uvloop.run(
        send_and_wait(target, events, report, already, lambda: before.append(descendants_cpu_s()))
    )
    return Visible(load, seconds, descendants_cpu_s() - before[0])


async def send_and_wait(
    target: Target, events: int, report: Report, already: int = 0, on_begin: Callable[[], None] = lambda: None
) -> tuple[Load, float]:
    """Send events and wait until all are visible; return the load and the seconds.

    Raises:
        UnexpectedResponse: the API reports another number of events than these and the ``already`` sent.
    """
    generator = Generator(target, events)
    generator.on_begin = on_begin
    load = await generator.run(report=report)
    end = perf_counter()
    report(f"{load.accepted:,} events accepted, waiting until all can be read")
    connection = await connect(target.host, target.port)
    await get(connection, target, READS["analytics"], load.positions)  # which follow the sessions
    seconds = load.seconds + perf_counter() - end
    counted = await count_events(connection, target) - already
    connection.close()
    if counted != load.accepted:
        raise UnexpectedResponse(f"{load.accepted:,} events accepted, but the API reports {counted:,}")
    return load, seconds


async def probe(
    target: Target, report: Report, rate: int = RATE, seconds: int = SECONDS
) -> tuple[dict[str, list[float]], list[float]]:
    """Send at a steady ``rate`` in events a second, and read one response in ten back, on connections that only read.

    The first `WARM_UP_S` seconds are not measured.

    Returns:
        The seconds from response to visible, by what is read, and those of each request.
    """
    generator, responses = Generator(target, rate * (seconds + WARM_UP_S)), count(1)
    begins_at = perf_counter() + WARM_UP_S
    delays: dict[str, list[float]] = {name: [] for name in READS}
    turns = cycle(READS)
    idle: asyncio.Queue[HttpConnection] = asyncio.Queue()
    for _ in range(PROBE_CONNECTIONS):
        idle.put_nowait(await connect(target.host, target.port))

    async def read_back(name: str, position: str, acknowledged: float) -> None:
        connection = await idle.get()
        await get(connection, target, READS[name], position)
        delays[name].append(perf_counter() - acknowledged)
        idle.put_nowait(connection)

    def on_response(response: Response) -> None:
        if next(responses) % PROBE_EVERY == 0 and perf_counter() > begins_at:
            probes.create_task(read_back(next(turns), response.position, perf_counter()))

    generator.on_response = on_response
    async with asyncio.TaskGroup() as probes:
        load = await generator.run(rate, report)
    return delays, load.latencies


def _measure_visible(report: Report) -> list[Figure]:
    """Measure `up` and `stack`."""
    return [*_measure_visible_on("up", report), *_measure_visible_on("stack", report)]


def _measure_visible_on(command: str, report: Report) -> list[Figure]:
    with temporary_folder() as folder, http_service(folder, command) as (_, target):
        delays, requests = uvloop.run(probe(target, lambda text: report(f"{command}: {text}")))
    figures = [without_mark(f"visible_latency {command} p99 of a request", percentile(requests, 0.99) * 1e3, "ms")]
    for read, seconds in delays.items():
        name = f"visible_latency {command} {read}"
        figures.append(without_mark(f"{name} p50", percentile(seconds, 0.5), "s"))
        figures.append(at_most(f"{name} p95", percentile(seconds, 0.95), "s", MARKS_S[command, read]))
    return figures


QUESTIONS = (
    BenchQuestion(
        "end_to_end_up",
        "`up`: HTTP → log → tables → read, load generator included",
        partial(_measure, "up", UP_EVENTS, UP_MARK),
    ),
    BenchQuestion(
        "end_to_end_stack",
        "`stack`: HTTP → Kafka → tables → read, load generator included",
        partial(_measure, "stack", STACK_EVENTS, STACK_MARK),
    ),
    BenchQuestion("visible_latency", "from response to visible, at a steady 10,000 events/s", _measure_visible),
)
