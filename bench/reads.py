"""Does a list stay fast as an org grows, do many dashboards, and does one org slow down another?"""

import asyncio
import contextlib
import random
from collections.abc import Iterator, Sequence
from time import perf_counter
from urllib.parse import urlencode

import msgspec
import uvloop

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.http_client import HttpConnection, connect
from bench.load import ORG, Generator, Target, UnexpectedResponse, percentile, request_head
from bench.population import ORGS
from bench.query_data import Data, fill_store, search_words
from bench.services import cpu_s, http_service, temporary_folder
from devstack.supervisor.process import Process

SMALL = Data(sessions=100_000, days=90, users=100, prompts=4, settled=True)
LARGE = msgspec.structs.replace(SMALL, sessions=2_000_000)
PAGES = {
    "list": "/sessions",
    "list of a project": "/sessions?project_id=project-7",
    "a deep page of the list": "/sessions?page=2000",
    "threads": "/sessions/threads",
}
GROWTH_MARK, LIST_MARK_MS = 1.5, 60
WARM_UP, MEASURED = 5, 60
FORGETFUL = {"ANSWER_CACHE_BYTES_MAX": "0"}  # what questions cost, not what is remembered

DASHBOARDS, POLL_EVERY_S, POLLED_S, SETTLE_S = 64, 1.0, 20.0, 5.0
DASHBOARD = (
    *("/sessions", "/sessions?status=active", "/sessions/threads", "/sessions/filters"),
    *("/sessions/analytics/summary", "/sessions/analytics/timeseries", "/sessions/analytics/by-agent"),
    *("/sessions/analytics/cost-breakdown", "/sessions/analytics/team-overview", "/sessions?sort=-cost_usd"),
)
WRITTEN_RATE, DASHBOARD_MARK_MS = 5_000, 100

NEIGHBOUR = next(org for org in ORGS if org != ORG)  # which has nothing yet
NEIGHBOUR_PATHS = ("/sessions", "/sessions/analytics/summary", "/sessions/analytics/by-agent")
FLOODING, ROUNDS, NEIGHBOUR_READS = 32, 3, 60
NOISE_MARK = 2.0


@contextlib.contextmanager
def _up(data: Data, report: Report, env: dict[str, str]) -> Iterator[tuple[Process, Target]]:
    with temporary_folder() as folder:
        fill_store(folder, data, report)
        with http_service(folder, "up", {"AUDIT_EVERY_S": "0", "READS_PER_HOUR": "0", **env}) as (process, target):
            yield process, target


async def _read(connection: HttpConnection, target: Target, path: str, org: str = ORG) -> float:
    """Return the seconds of a read."""
    began = perf_counter()
    response = await connection.call(request_head(target, "GET", path, 0, org=org))
    if response.status != 200:
        raise UnexpectedResponse.of(response)
    return perf_counter() - began


async def _in_turns(targets: Sequence[Target], path: str) -> list[list[float]]:
    """Return the seconds of reads of each target; the targets take turns."""
    connections = [await connect(target.host, target.port) for target in targets]
    seconds: list[list[float]] = [[] for _ in targets]
    for _ in range(WARM_UP + MEASURED):
        for number, (connection, target) in enumerate(zip(connections, targets, strict=True)):
            seconds[number].append(await _read(connection, target, path))
    for connection in connections:
        connection.close()
    return [each[WARM_UP:] for each in seconds]


def _measure_growth(report: Report) -> list[Figure]:
    figures = []
    with _up(SMALL, report, FORGETFUL) as (_, small), _up(LARGE, report, FORGETFUL) as (_, large):
        for name, path in PAGES.items():
            report(name)
            few, many = (percentile(each, 0.95) * 1e3 for each in uvloop.run(_in_turns([small, large], path)))
            figures += [
                without_mark(f"list_growth {name} p95 of 100,000", few, "ms"),
                at_most(f"list_growth {name} p95 of 2,000,000", many, "ms", LIST_MARK_MS),
                at_most(f"list_growth {name}, many / few", many / few, "times", GROWTH_MARK),
            ]
    return figures


def _measure_dashboards(report: Report) -> list[Figure]:
    with _up(SMALL, report, {}) as (process, target):
        before = cpu_s(process.pid)
        seconds, rate = uvloop.run(_poll_beside_writes(target, report))
        used = cpu_s(process.pid) - before
    return [
        without_mark("dashboards_polling processor time, with that of the writes", used / len(seconds) * 1e3, "ms"),
        without_mark("dashboards_polling written", rate, "events/s"),
        without_mark("dashboards_polling reads", len(seconds) / POLLED_S, "1/s"),
        without_mark("dashboards_polling p50", percentile(seconds, 0.5) * 1e3, "ms"),
        at_most("dashboards_polling p95", percentile(seconds, 0.95) * 1e3, "ms", DASHBOARD_MARK_MS),
    ]


async def _poll_beside_writes(target: Target, report: Report) -> tuple[list[float], float]:
    """Return the seconds of each poll, and the rate of the writes beside them."""
    writing = asyncio.ensure_future(
        Generator(target, int(WRITTEN_RATE * (POLLED_S + 2 * SETTLE_S))).run(WRITTEN_RATE, report)
    )
    await asyncio.sleep(SETTLE_S)
    polls = [_poll(target, number) for number in range(DASHBOARDS)]
    seconds = [one for each in await asyncio.gather(*polls) for one in each]
    return seconds, (await writing).rate


async def _poll(target: Target, number: int) -> list[float]:
    """Poll every second, each time the next question; a poll counts from when it was due."""
    connection, seconds = await connect(target.host, target.port), []
    due = perf_counter() + random.Random(number).random() * POLL_EVERY_S  # noqa: S311 (made-up load)
    end = due + POLLED_S
    while due < end:
        await asyncio.sleep(max(0.0, due - perf_counter()))
        await _read(connection, target, DASHBOARD[number % len(DASHBOARD)])
        seconds.append(perf_counter() - due)
        due, number = due + POLL_EVERY_S, number + 1
    connection.close()
    return seconds


def _measure_neighbour(report: Report) -> list[Figure]:
    env = FORGETFUL | {"STORE_SECONDS_PER_HOUR": "0"}
    with _up(SMALL, report, env) as (_, target):
        quiet, noisy = uvloop.run(_beside_a_flood(target, report))
    before, beside = (percentile(seconds, 0.95) * 1e3 for seconds in (quiet, noisy))
    return [
        without_mark("noisy_neighbour p95 alone", before, "ms"),
        without_mark("noisy_neighbour p95 beside a flood", beside, "ms"),
        at_most("noisy_neighbour beside / alone", beside / before, "times", NOISE_MARK),
    ]


async def _beside_a_flood(target: Target, report: Report) -> tuple[list[float], list[float]]:
    """Return the seconds of the neighbour's reads, alone and while the other org floods; they take turns."""
    connection = await connect(target.host, target.port)

    async def read_all() -> list[float]:
        paths = (NEIGHBOUR_PATHS[number % len(NEIGHBOUR_PATHS)] for number in range(NEIGHBOUR_READS))
        return [await _read(connection, target, path, NEIGHBOUR) for path in paths]

    alone, beside = [], []
    await read_all()
    for number in range(ROUNDS):
        report(f"round {number + 1} of {ROUNDS}")
        alone += await read_all()
        flood = [asyncio.ensure_future(_search(target, each)) for each in range(FLOODING)]
        await asyncio.sleep(1)
        beside += await read_all()
        for search in flood:
            search.cancel()
        for ended in await asyncio.gather(*flood, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise UnexpectedResponse(f"a search ended: {ended!r}")
        await asyncio.sleep(1)
    connection.close()
    return alone, beside


async def _search(target: Target, number: int) -> None:
    """Search without a pause until cancelled, each time for another word."""
    connection, words = await connect(target.host, target.port), search_words()
    try:
        while True:
            number += FLOODING
            query = urlencode({"q": f"{words[number % 20]} {words[number % 31]}", "sort": "-cost_usd"})
            await _read(connection, target, f"/sessions/search?{query}")
    finally:
        connection.close()


QUESTIONS = (
    BenchQuestion(
        "list_growth", "pages of lists and threads of 2,000,000 sessions and of 100,000", _measure_growth, True
    ),
    BenchQuestion(
        "dashboards_polling", "64 clients ask an org's questions each second beside 5,000 events/s", _measure_dashboards
    ),
    BenchQuestion(
        "noisy_neighbour", "reads of an org while another floods `up` with searches, and alone", _measure_neighbour
    ),
)
