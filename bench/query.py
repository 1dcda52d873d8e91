"""How fast are the read routes: lists, searches and tools of 100,000 sessions, a long session, totals of 5,000,000?"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

import uvloop

from bench.api import connect, get_once, time_get
from bench.query_data import LONG_SESSION_PATH, Data, fill_store, search_words
from bench.question import BenchQuestion, Figure, Report, figure, percentile
from bench.services import Service, installation
from bench.usage import cpu_s

Parameters = Mapping[str, str | int]

SESSIONS = Data(sessions=100_000, days=90, users=100, prompts=4)
LIST_MARK_MS = 50
LISTS: dict[str, Parameters] = {
    "newest": {},
    "deep page": {"page": 3_600},
    "by cost": {"sort": "-cost_usd"},
    "by tokens, deep page": {"sort": "-tokens", "page": 1_000},
    "of a project": {"project_id": "project-7"},
    "of an agent, by duration": {"agent_name": "agent-5", "sort": "-duration_seconds"},
    "that used a model": {"model": "claude-haiku-3-5", "sort": "-last_event_at"},
    "that failed": {"status": "ended", "outcome": "failure", "trigger": "headless", "sort": "started_at"},
}
COMMON, OTHER = search_words()[1], search_words()[8]
SEARCHES: dict[str, Parameters] = {
    "a rare word": {"q": "module1900"},
    "a common word": {"q": COMMON},
    "two common words": {"q": f"{OTHER} {COMMON}"},
    "a common word and a rare one": {"q": f"{COMMON} Module700"},
    "a phrase": {"q": f'"{COMMON} {OTHER}"'},
    "a word, in a project, by cost": {"q": OTHER, "project_id": "project-7", "sort": "-cost_usd"},
    "nothing": {"q": "nobodysaidthis"},
}
LONG_SESSION = Data(sessions=100_000, days=90, users=100, prompts=4, events=100_000)
LONG_SESSION_MARKS_MS = {"": 50, "/events": 50, "/hierarchy": 300}
TOTALS = Data(sessions=5_000_000, days=400, users=120)
ORG_MARK_MS, DIMENSION_MARK_MS = 25, 60
TOOLS = Data(sessions=100_000, days=30, users=100, prompts=4)  # the route covers the last 30 days by default
TOOLS_MARK_MS = 150
NO_ANSWER_CACHE = {"ANSWER_CACHE_BYTES_MAX": "0"}
WARM_UP_READS, MEASURED_READS = 10, 100


class Reads(NamedTuple):
    """A running `up` over a filled store, and where progress is reported."""

    service: Service
    report: Report

    def measure(self, name: str, paths: Sequence[str], mark_ms: float) -> list[Figure]:
        """Measure reads of ``paths``, which take turns; p95 should not exceed its mark.

        On a busy machine, compare processor times: other work distorts latencies.
        """
        before = cpu_s(self.service.pid)
        seconds = uvloop.run(self._time(name, paths))
        used = cpu_s(self.service.pid) - before
        return [
            figure(f"{name} processor time", used / (WARM_UP_READS + MEASURED_READS) * 1e3, "ms"),
            figure(f"{name} p50", percentile(seconds, 0.5) * 1e3, "ms"),
            figure(f"{name} p95", percentile(seconds, 0.95) * 1e3, "ms", at_most=mark_ms),
        ]

    async def _time(self, name: str, paths: Sequence[str]) -> list[float]:
        """Return the seconds of each read; they follow each other on one connection."""
        target, seconds = self.service.target, []
        connection = await connect(target)
        for number in range(WARM_UP_READS + MEASURED_READS):
            self.report(f"{name}, {number} of {WARM_UP_READS + MEASURED_READS}")
            seconds.append(await time_get(connection, target, paths[number % len(paths)]))
        connection.close()
        return seconds[WARM_UP_READS:]


@contextlib.contextmanager
def _filled(data: Data, report: Report, env: Mapping[str, str] | None = None) -> Iterator[Reads]:
    with installation("up", env, fill=lambda folder: fill_store(folder, data, report)) as service:
        yield Reads(service, report)


def _measure_pages(question: str, path: str, variants: Mapping[str, Parameters], report: Report) -> list[Figure]:
    """Measure each variant by itself, then all of them in turn."""
    paths = {name: f"{path}?{urlencode(parameters)}" for name, parameters in variants.items()}
    with _filled(SESSIONS, report) as reads:
        results: list[Figure] = []
        for name, one in paths.items():
            results += reads.measure(f"{question} {name}", [one], LIST_MARK_MS)
        return [*results, *reads.measure(f"{question} all in turn", list(paths.values()), LIST_MARK_MS)]


def _measure_one_session(report: Report) -> list[Figure]:
    with _filled(LONG_SESSION, report) as reads:
        (session,) = uvloop.run(get_once(reads.service.target, LONG_SESSION_PATH))["data"]
        path = f"/sessions/{session['id']}"
        return [
            result
            for suffix, mark_ms in LONG_SESSION_MARKS_MS.items()
            for result in reads.measure(f"query_one_session{suffix or ' detail'}", [path + suffix], mark_ms)
        ]


def _measure_summary(report: Report) -> list[Figure]:
    projects = [_totals_path("summary", project_id=f"project-{number}") for number in (0, 7, 14, 21)]
    with _filled(TOTALS, report) as reads:
        return [
            *reads.measure("query_summary of an org", [_totals_path("summary")], ORG_MARK_MS),
            *reads.measure("query_summary by agent", [_totals_path("by-agent")], DIMENSION_MARK_MS),
            *reads.measure("query_summary of a project", projects, DIMENSION_MARK_MS),
        ]


def _totals_path(name: str, **filters: str) -> str:
    return f"/sessions/analytics/{name}?{urlencode({'start_date': f'{TOTALS.since:%Y-%m-%d}', **filters})}"


def _measure_tools(report: Report) -> list[Figure]:
    """Measure calls and errors by tool, which no rollup contains: of an org, and of one agent."""
    path = "/sessions/analytics/by-tool"
    with _filled(TOOLS, report, NO_ANSWER_CACHE) as reads:
        return [
            *reads.measure("query_by_tool of an org", [path], TOOLS_MARK_MS),
            *reads.measure("query_by_tool of an agent", [f"{path}?agent_name=agent-5"], TOOLS_MARK_MS),
        ]


QUESTIONS = (
    BenchQuestion(
        "query_list",
        "a page of 25 out of 100,000 sessions, over HTTP from `up`",
        partial(_measure_pages, "query_list", "/sessions", LISTS),
    ),
    BenchQuestion(
        "query_search",
        "a page of 25 found by words in 100,000 sessions, over HTTP from `up`",
        partial(_measure_pages, "query_search", "/sessions/search", SEARCHES),
    ),
    BenchQuestion(
        "query_summary", "totals of 5,000,000 sessions of one org in 400 days, over HTTP from `up`", _measure_summary
    ),
    BenchQuestion(
        "query_by_tool", "calls and errors by tool of 100,000 sessions in 30 days, over HTTP from `up`", _measure_tools
    ),
    BenchQuestion("query_one_session", "one session with 100,000 events, over HTTP from `up`", _measure_one_session),
)
