"""How fast are the read routes: lists, searches and tools of 100,000 sessions, a long session, totals of 5,000,000?"""

from collections.abc import Mapping, Sequence
from functools import partial
from time import perf_counter
from urllib.parse import urlencode

import uvloop

from bench.api import Target, UnexpectedResponse, connect, request_head
from bench.query_data import Data, fill_store, find_long_session, search_words
from bench.question import BenchQuestion, Figure, Report, figure, percentile
from bench.services import installation
from bench.usage import cpu_s

Parameters = Mapping[str, str | int]
Reads = Mapping[str, tuple[Sequence[str], float]]  # by name: paths, which take turns, and the mark of p95 in ms

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
PARTS_OF_SESSION: Reads = {
    "query_one_session detail": (["/sessions/{session}"], 50),
    "query_one_session/events": (["/sessions/{session}/events"], 50),
    "query_one_session/hierarchy": (["/sessions/{session}/hierarchy"], 300),
}
TOTALS = Data(sessions=5_000_000, days=400, users=120)
ORG_MARK_MS, DIMENSION_MARK_MS = 25, 60
TOOLS = Data(sessions=100_000, days=30, users=100, prompts=4)  # the route covers the last 30 days by default
TOOLS_MARK_MS = 150
BY_TOOL: Reads = {  # calls and errors, which no rollup contains
    "query_by_tool of an org": (["/sessions/analytics/by-tool"], TOOLS_MARK_MS),
    "query_by_tool of an agent": (["/sessions/analytics/by-tool?agent_name=agent-5"], TOOLS_MARK_MS),
}
NO_ANSWER_CACHE = {"ANSWER_CACHE_BYTES_MAX": "0"}
WARM_UP_READS, MEASURED_READS = 10, 100


def _measure(data: Data, reads: Reads, env: Mapping[str, str], report: Report) -> list[Figure]:
    """Measure reads of a filled `up`.

    In a path, ``{session}`` is the session that has all the events, and ``{since}`` the first day.
    On a busy machine, compare processor times: other work distorts latencies.
    """
    figures = []
    with installation("up", env, fill=lambda folder: fill_store(folder, data, report)) as service:
        session = uvloop.run(find_long_session(service.target)) if data.events else ""
        since = f"{data.since:%Y-%m-%d}"
        for name, (templates, mark_ms) in reads.items():
            paths = [path.replace("{session}", session).replace("{since}", since) for path in templates]
            before = cpu_s(service.pid)
            seconds = uvloop.run(_time(service.target, name, paths, report))
            used = cpu_s(service.pid) - before
            figures += [
                figure(f"{name} processor time", used / (WARM_UP_READS + MEASURED_READS) * 1e3, "ms"),
                figure(f"{name} p50", percentile(seconds, 0.5) * 1e3, "ms"),
                figure(f"{name} p95", percentile(seconds, 0.95) * 1e3, "ms", at_most=mark_ms),
            ]
    return figures


async def _time(target: Target, name: str, paths: Sequence[str], report: Report) -> list[float]:
    """Return the seconds of each read; they follow each other on one connection."""
    connection, seconds = await connect(target), []
    for number in range(WARM_UP_READS + MEASURED_READS):
        report(f"{name}, {number} of {WARM_UP_READS + MEASURED_READS}")
        request = request_head(target, "GET", paths[number % len(paths)])
        began = perf_counter()
        response = await connection.call(request)
        seconds.append(perf_counter() - began)
        if response.status != 200:
            raise UnexpectedResponse.of(response)
    connection.close()
    return seconds[WARM_UP_READS:]


def _pages(question: str, path: str, variants: Mapping[str, Parameters]) -> Reads:
    """Return reads of each variant by itself, then of all of them in turn."""
    paths = {name: f"{path}?{urlencode(parameters)}" for name, parameters in variants.items()}
    reads = {f"{question} {name}": ([one], LIST_MARK_MS) for name, one in paths.items()}
    return {**reads, f"{question} all in turn": (list(paths.values()), LIST_MARK_MS)}


_SUMMARY = "/sessions/analytics/summary?start_date={since}"
SUMMARIES: Reads = {
    "query_summary of an org": ([_SUMMARY], ORG_MARK_MS),
    "query_summary by agent": (["/sessions/analytics/by-agent?start_date={since}"], DIMENSION_MARK_MS),
    "query_summary of a project": (
        [f"{_SUMMARY}&project_id=project-{number}" for number in (0, 7, 14, 21)],
        DIMENSION_MARK_MS,
    ),
}
LISTED, FOUND = _pages("query_list", "/sessions", LISTS), _pages("query_search", "/sessions/search", SEARCHES)
QUESTIONS = tuple(
    BenchQuestion(name, f"{what}, over HTTP from `up`", partial(_measure, data, reads, env))
    for name, what, data, reads, env in (
        ("query_list", "a page of 25 out of 100,000 sessions", SESSIONS, LISTED, {}),
        ("query_search", "a page of 25 found by words in 100,000 sessions", SESSIONS, FOUND, {}),
        ("query_summary", "totals of 5,000,000 sessions of one org in 400 days", TOTALS, SUMMARIES, {}),
        ("query_by_tool", "calls and errors by tool of 100,000 sessions in 30 days", TOOLS, BY_TOOL, NO_ANSWER_CACHE),
        ("query_one_session", "one session with 100,000 events", LONG_SESSION, PARTS_OF_SESSION, {}),
    )
)
