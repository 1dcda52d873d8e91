"""Asks over HTTP, one question after the other on one connection, and says how long the answers took."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import uvloop

from bench.harness import Result, Say, at_most, plain
from bench.http_client import Wire, connect
from bench.load import Refused, Target, get, head, percentile
from bench.services import cpu_s
from deploy.devstack.supervisor.process import Process

WARM, ASKED = 10, 100  # answers that are not counted, and those that are


def ask(name: str, process: Process, target: Target, paths: Sequence[str], mark_ms: float, say: Say) -> list[Result]:
    """The usual and the slow answer to ``paths``, which take turns; the slow one should stay below its mark.

    Processor time is what says something on a machine that does other things as well.
    """
    used = cpu_s(process.pid)
    seconds = uvloop.run(_answers(name, target, paths, say))
    used = cpu_s(process.pid) - used
    return [
        plain(f"{name} processor time", used / (WARM + ASKED) * 1e3, "ms"),
        plain(f"{name} p50", percentile(seconds, 0.5) * 1e3, "ms"),
        at_most(f"{name} p95", percentile(seconds, 0.95) * 1e3, "ms", mark_ms),
    ]


def read(target: Target, path: str) -> Any:
    """One answer."""

    async def answer() -> Any:
        wire = await connect(target.host, target.port)
        try:
            return await get(wire, target, path)
        finally:
            wire.close()

    return uvloop.run(answer())


async def _answers(name: str, target: Target, paths: Sequence[str], say: Say) -> list[float]:
    wire = await connect(target.host, target.port)
    seconds = []
    for number in range(WARM + ASKED):
        say(f"{name}, {number} of {WARM + ASKED}")
        seconds.append(await _answer(wire, head(target, "GET", paths[number % len(paths)], 0)))
    wire.close()
    return seconds[WARM:]


async def _answer(wire: Wire, request: bytes) -> float:
    begin = perf_counter()
    answer = await wire.call(request)
    seconds = perf_counter() - begin
    if answer.status != 200:
        raise Refused(f"{answer.status} {answer.body[:300]!r}")
    return seconds
