"""Load on a whole installation until everything can be read; shared by `up` and `stack`."""

from collections.abc import Callable
from time import perf_counter

import uvloop

from bench.harness import Result, Say, at_least, plain
from bench.http_client import connect
from bench.load import Generator, Load, Refused, Target, events_counted, get, percentile
from bench.payloads import stories


def end_to_end(name: str, target: Target, events: int, mark: float, say: Say) -> list[Result]:
    """Events a second from the first request until a read sees all of them; counted by the API at the end."""
    load, seconds = uvloop.run(send_and_wait(target, events, say))
    return [
        at_least(f"{name} events/s", load.accepted / seconds, "events/s", mark),
        plain(f"{name} accepted", load.rate, "events/s"),
        plain(f"{name} behind at the end", seconds - load.seconds, "s"),
        plain(f"{name} p99 of a request", percentile(load.latencies, 0.99) * 1e3, "ms"),
    ]


async def send_and_wait(target: Target, events: int, say: Callable[[str], None]) -> tuple[Load, float]:
    """Send, wait until all is visible, count. Raises `Refused` if the API reports another number."""
    generator = Generator(target, stories(), events)
    await generator.create()
    begin = perf_counter()
    load = await generator.run(say=say)
    say(f"{load.accepted:,} events accepted, waiting until all can be read")
    wire = await connect(target.host, target.port)
    await get(wire, target, "/sessions?per_page=1", load.positions)
    seconds = perf_counter() - begin
    counted = await events_counted(wire, target)
    wire.close()
    if counted != load.accepted:
        raise Refused(f"{load.accepted:,} events accepted, but the API reports {counted:,}")
    return load, seconds
