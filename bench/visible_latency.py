"""How long after its reply can an event be read, while 10,000 events a second come in?"""

import asyncio
from time import perf_counter

import uvloop

from bench.harness import Question, Result, Say, at_most, plain
from bench.http_client import Answer, Wire, connect
from bench.load import Generator, Target, get, percentile
from bench.payloads import stories
from bench.services import http_service, temporary_folder

RATE, SECONDS = 10_000, 20
PROBES = 16
EVERY = 10  # answers
MARK_S = 1.5


class Prober:
    """Reads what was just answered, on connections of its own, and measures when it is there."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: asyncio.Queue[Wire] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()
        self._answers = 0
        self.delays: list[float] = []

    async def open(self) -> None:
        """Connect."""
        for _ in range(PROBES):
            self._idle.put_nowait(await connect(self._target.host, self._target.port))

    def answered(self, answer: Answer) -> None:
        """One in ten replies is followed up."""
        self._answers += 1
        if self._answers % EVERY == 0:
            task = asyncio.ensure_future(self._probe(answer.position, perf_counter()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _probe(self, position: str, replied: float) -> None:
        wire = await self._idle.get()
        await get(wire, self._target, "/sessions?per_page=1", position)
        self.delays.append(perf_counter() - replied)
        self._idle.put_nowait(wire)

    async def finish(self) -> None:
        """Wait for the probes that are still under way."""
        await asyncio.gather(*self._running)


async def probe(target: Target, say: Say) -> tuple[list[float], list[float]]:
    """Seconds from reply to visible, and of each request."""
    generator, prober = Generator(target, stories(), RATE * SECONDS), Prober(target)
    await generator.create()
    await prober.open()
    generator.on_answer = prober.answered
    load = await generator.run(RATE, say)
    await prober.finish()
    return prober.delays, load.latencies


def measure(say: Say) -> list[Result]:
    """On both shapes."""
    return [*_measure("up", say), *_measure("stack", say)]


def _measure(command: str, say: Say) -> list[Result]:
    name = f"visible_latency {command}"
    with temporary_folder() as folder, http_service(folder, command) as (_, target):
        delays, requests = uvloop.run(probe(target, lambda text: say(f"{command}: {text}")))
    return [
        plain(f"{name} p50", percentile(delays, 0.5), "s"),
        at_most(f"{name} p95", percentile(delays, 0.95), "s", MARK_S),
        plain(f"{name} p99 of a request", percentile(requests, 0.99) * 1e3, "ms"),
    ]


QUESTION = Question("visible_latency", "from reply to visible, at a steady 10,000 events/s", measure)
