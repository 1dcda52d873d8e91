"""Measures how long reads take over HTTP: one request after the other on one connection."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import uvloop

from bench.harness import Report, Result, at_most, plain
from bench.http_client import Connection, connect
from bench.load import Target, UnexpectedResponse, get, percentile, request_head
from bench.services import cpu_s
from deploy.devstack.supervisor.process import Process

WARM_UP, MEASURED = 10, 100  # requests


def measure_reads(
    name: str, process: Process, target: Target, paths: Sequence[str], mark_ms: float, report: Report
) -> list[Result]:
    """Measure reads of ``paths``, which take turns; p95 should not exceed its mark.

    Compare processor time on a machine that has other work.
    """
    before = cpu_s(process.pid)
    seconds = uvloop.run(_time_reads(name, target, paths, report))
    used = cpu_s(process.pid) - before
    return [
        plain(f"{name} processor time", used / (WARM_UP + MEASURED) * 1e3, "ms"),
        plain(f"{name} p50", percentile(seconds, 0.5) * 1e3, "ms"),
        at_most(f"{name} p95", percentile(seconds, 0.95) * 1e3, "ms", mark_ms),
    ]


def read(target: Target, path: str) -> Any:
    """Return the decoded body of one read."""

    async def fetch() -> Any:
        connection = await connect(target.host, target.port)
        try:
            return await get(connection, target, path)
        finally:
            connection.close()

    return uvloop.run(fetch())


async def _time_reads(name: str, target: Target, paths: Sequence[str], report: Report) -> list[float]:
    connection = await connect(target.host, target.port)
    seconds = []
    for number in range(WARM_UP + MEASURED):
        report(f"{name}, {number} of {WARM_UP + MEASURED}")
        request = request_head(target, "GET", paths[number % len(paths)], 0)
        seconds.append(await _time_read(connection, request))
    connection.close()
    return seconds[WARM_UP:]


async def _time_read(connection: Connection, request: bytes) -> float:
    begin = perf_counter()
    response = await connection.call(request)
    seconds = perf_counter() - begin
    if response.status != 200:
        raise UnexpectedResponse.of(response)
    return seconds
