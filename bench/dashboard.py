"""How fast does the dashboard show an org with 100,000 sessions, and a session with 100,000 events, in a Chromium?

Each visit has an empty cache, and the service remembers no answers. Chromium, `up` and its store share the machine.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

import uvloop
from playwright.sync_api import Browser

from bench.chromium import HOW_TO_GET_IT, Seen, find_chromium, running_chromium, visit
from bench.population import ORG
from bench.query_data import Data, fill_store, find_long_session, search_words
from bench.question import BenchQuestion, Figure, Report, figure
from bench.services import Service, installation
from bench.usage import cpu_s

# Half of the sessions began in the last 30 days, half in the 30 days before, with which the overview compares.
DATA = Data(sessions=100_000, days=60, users=100, prompts=4, events=100_000)
ENV = {"AUDIT_EVERY_S": "0", "READS_PER_HOUR": "0", "ANSWER_CACHE_BYTES_MAX": "0"}
ROUNDS = 5
# Of the first tiles, of what follows the first turns, and of anything else.
MARKS_MS: Mapping[str, float | None] = {"numbers": 500, "tools": None}
SHOWN_MARK_MS = 1_000


class Page(NamedTuple):
    """A page, and a selector for each thing that it should show; ``{session}`` is the id of the long session."""

    path: str
    parameters: Mapping[str, str]
    wanted: Mapping[str, str]


OVERVIEW = {"numbers": '[data-kpi="cost"]:not([data-value=""])', "chart": '[data-testid="chart"][data-drawn="yes"]'}
OVERVIEWS = {"7 days": Page("/", {}, OVERVIEW), "30 days": Page("/", {"range": "30d"}, OVERVIEW)}
LIST = {"rows": ".session-row"}
LISTS = {
    "first page": Page("/sessions", {"range": "90d"}, LIST),
    "a rare word": Page("/sessions", {"range": "90d", "q": "module1900"}, LIST),
    "a common word": Page("/sessions", {"range": "90d", "q": search_words()[1]}, LIST),
}
TURNS = {"turns": ".turns .turn", "tools": ".turns .bar-tool"}
STORY = {"turns": ".story .turn", "tools": ".story .use"}
SESSION = {
    "conversation": Page("/sessions/{session}", {}, STORY),
    "timeline": Page("/sessions/{session}", {"view": "timeline"}, TURNS),
    "events": Page("/sessions/{session}", {"view": "events"}, {"events": '[data-list="events"] .virtual-row'}),
}


def _measure(name: str, pages: Mapping[str, Page], report: Report) -> list[Figure]:
    """Visit each page several times, after a visit that warms up the service. Without Chromium, say what to install."""
    program = find_chromium()
    if program is None:
        return [figure(f"{name} {HOW_TO_GET_IT}", 0, "skipped")]
    figures = []
    with installation("up", ENV, fill=lambda folder: fill_store(folder, DATA, report)) as service:
        session = uvloop.run(find_long_session(service.target))
        with running_chromium(program) as browser:
            for what, page in pages.items():
                one = page._replace(path=page.path.replace("{session}", session))
                visits = []
                for number in range(ROUNDS + 1):
                    report(f"{one.path} {dict(one.parameters)}, round {number} of {ROUNDS}")
                    visits.append(_visit(service, browser, one))
                figures += _shown(f"{name} {what}", visits[1:])
    return figures


def _visit(service: Service, browser: Browser, page: Page) -> tuple[Seen, float]:
    """Visit a page as an admin, with an empty cache; return also the ms of `up` until nothing was loading."""
    target, used = service.target, cpu_s(service.pid)
    query, token = urlencode(page.parameters), urlencode({"token": target.tokens[ORG]})
    seen = visit(browser, f"http://{target.host}:{target.port}{page.path}?{query}#{token}", page.wanted)
    return seen, (cpu_s(service.pid) - used) * 1e3


def _shown(name: str, visits: Sequence[tuple[Seen, float]]) -> list[Figure]:
    """Return when each wanted thing was shown, and processor times, which vary less on a busy machine."""
    first, _ = visits[0]
    times = {wanted: [seen.shown_ms[wanted] for seen, _ in visits] for wanted in first.shown_ms}
    marks = {wanted: MARKS_MS.get(wanted, SHOWN_MARK_MS) for wanted in times}
    return [
        *(figure(f"{name}, {wanted}", ms, "ms", at_most=marks[wanted]) for wanted, ms in times.items()),
        figure(f"{name}, main thread of the page", [seen.main_thread_ms for seen, _ in visits], "ms"),
        figure(f"{name}, processor time of `up`", [service_ms for _, service_ms in visits], "ms"),
    ]


QUESTIONS = tuple(
    BenchQuestion(name, f"Show {what}, in Chromium", partial(_measure, name, pages))
    for name, what, pages in (
        ("dashboard_overview", "the overview of 100,000 sessions", OVERVIEWS),
        ("dashboard_list", "a page of 50 of 100,000 sessions", LISTS),
        ("dashboard_session", "a session with 100,000 events", SESSION),
    )
)
