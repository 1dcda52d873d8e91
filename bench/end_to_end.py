"""How many events a second does an installation accept, project and show, on one machine with its clients?"""

from functools import partial
from time import perf_counter

import uvloop

from bench.harness import Question, Report, Result, at_least, plain
from bench.http_client import connect
from bench.load import Generator, Load, Target, UnexpectedResponse, count_events, get, percentile
from bench.payloads import make_scripts
from bench.services import http_service, temporary_folder

UP_EVENTS, UP_MARK = 400_000, 25_000
STACK_EVENTS, STACK_MARK = 500_000, 40_000


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
)
