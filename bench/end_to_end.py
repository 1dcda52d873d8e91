"""How many events per second does an installation accept, project and show, on one machine with its clients?

And how soon after its response can an event be read, at a steady 10,000 events per second?
"""

import asyncio
from functools import partial
from itertools import count, cycle
from time import perf_counter
from typing import NamedTuple

import uvloop

from bench.api import HttpConnection, Response, Target, UnexpectedResponse, connect, count_events, get
from bench.load import Generator, Sent
from bench.question import ROUNDS, BenchQuestion, Figure, Report, figure, figures_of, percentile
from bench.services import installation
from bench.usage import descendants_cpu_s

UP_EVENTS, UP_MARK = 250_000, 25_000  # a round
STACK_EVENTS, STACK_MARK = 300_000, 40_000
WARM_UP_EVENTS = 50_000
RATE, SECONDS = 10_000, 20
WARM_UP_S = 5  # before: first connections, first batches, first query plans
PROBE_CONNECTIONS = 16
PROBE_EVERY = 10  # responses
READS = {"sessions": "/sessions?per_page=1", "analytics": "/sessions/analytics/summary"}
MARKS_S = {("up", "sessions"): 0.4, ("stack", "sessions"): 0.8, ("up", "analytics"): 1.5, ("stack", "analytics"): 1.5}


class Latencies(NamedTuple):
    """The seconds of each request, and those from a response to its event being visible, by what is read."""

    requests: list[float]
    visible: dict[str, list[float]]


def send_until_visible(target: Target, events: int, report: Report, already: int = 0) -> Sent:
    """Send events and wait until all can be read; ``already`` were sent before.

    Raises `UnexpectedResponse` if the API reports a different number of events.
    """

    async def send() -> Sent:
        generator = Generator(target, events)
        await generator.create_sessions()
        before = descendants_cpu_s()
        load = await generator.run(report=report)
        end = perf_counter()
        report(f"{load.accepted:,} events accepted, waiting until all can be read")
        connection = await connect(target)
        await get(connection, target, READS["analytics"], load.positions)  # analytics follow the sessions
        seconds, processor_s = load.seconds + perf_counter() - end, descendants_cpu_s() - before
        counted = await count_events(connection, target) - already
        connection.close()
        if counted != load.accepted:
            raise UnexpectedResponse(f"{load.accepted:,} events accepted, but the API reports {counted:,}")
        return Sent(load, seconds, processor_s, descendants_cpu_s() - before - processor_s)

    return uvloop.run(send())


def _measure(command: str, events: int, mark: float, report: Report) -> list[Figure]:
    """Measure rounds, each from the first request until a read sees every event; then the API counts them."""
    name = f"end_to_end_{command}"
    report(f"starting `{command}`")
    with installation(command) as service:
        send_until_visible(service.target, WARM_UP_EVENTS, report)
        sent = [
            send_until_visible(service.target, events, report, WARM_UP_EVENTS + events * number)
            for number in range(ROUNDS)
        ]
    return [
        *figures_of(name, [each.turn for each in sent], mark),
        figure(f"{name} accepted", [each.load.rate for each in sent], "events/s"),
        figure(f"{name} behind at the end", [each.seconds - each.load.seconds for each in sent], "s"),
        figure(f"{name} p99 of a request", [percentile(each.load.latencies, 0.99) * 1e3 for each in sent], "ms"),
    ]


async def probe(target: Target, report: Report, rate: int = RATE, seconds: int = SECONDS) -> Latencies:
    """Send at a steady ``rate`` in events per second, and read every tenth response back on other connections.

    The first `WARM_UP_S` seconds are not measured.
    """
    generator, responses = Generator(target, rate * (seconds + WARM_UP_S)), count(1)
    begins_at = perf_counter() + WARM_UP_S
    delays: dict[str, list[float]] = {name: [] for name in READS}
    turns = cycle(READS)
    idle: asyncio.Queue[HttpConnection] = asyncio.Queue()
    for _ in range(PROBE_CONNECTIONS):
        idle.put_nowait(await connect(target))

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
    return Latencies(load.latencies, delays)


def _measure_visible(command: str, report: Report) -> list[Figure]:
    with installation(command) as service:
        found = uvloop.run(probe(service.target, lambda text: report(f"{command}: {text}")))
    name = f"visible_latency {command}"
    figures = [figure(f"{name} p99 of a request", percentile(found.requests, 0.99) * 1e3, "ms")]
    for read, seconds in found.visible.items():
        figures.append(figure(f"{name} {read} p50", percentile(seconds, 0.5), "s"))
        figures.append(figure(f"{name} {read} p95", percentile(seconds, 0.95), "s", at_most=MARKS_S[command, read]))
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
    BenchQuestion(
        "visible_latency",
        "from response to visible, at a steady 10,000 events/s",
        lambda report: [*_measure_visible("up", report), *_measure_visible("stack", report)],
    ),
)
