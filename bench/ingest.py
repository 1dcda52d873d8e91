"""Load on the write side alone; shared by the questions that differ in the log."""

import uvloop

from bench.harness import Result, Say, plain
from bench.load import Generator, Load, Target, percentile
from bench.payloads import stories
from bench.services import cpu_s

EVENTS = 500_000


def load_of(target: Target, events: int, say: Say, rate: float | None = None) -> Load:
    """Create sessions, send ``events`` events, and say how it went."""

    async def run() -> Load:
        generator = Generator(target, stories(), events)
        await generator.create()
        return await generator.run(rate, say)

    return uvloop.run(run())


def ingest(name: str, target: Target, pid: int, say: Say) -> list[Result]:
    """Events a second that became durable, and how long a request waited for it."""
    before = cpu_s(pid)
    load = load_of(target, EVENTS, say)
    return [
        plain(f"{name} events/s", load.rate, "events/s"),
        plain(f"{name} p50", percentile(load.latencies, 0.5) * 1e3, "ms"),
        plain(f"{name} p99", percentile(load.latencies, 0.99) * 1e3, "ms"),
        plain(f"{name} processor time", (cpu_s(pid) - before) / load.accepted * 1e6, "µs/event"),
    ]
