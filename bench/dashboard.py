"""How fast does the dashboard show an org with 100,000 sessions, and a session with 100,000 events, in a Chromium?

Each visit has an empty cache, and the service remembers no answers. Chromium, `up` and its store share the machine.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import uvloop
from playwright.sync_api import Browser

from bench.api import get_once
from bench.chromium import HOW_TO_GET_IT, Seen, find_chromium, running_chromium, visit
from bench.population import ORG
from bench.query_data import LONG_SESSION_PATH, Data, fill_store, search_words
from bench.question import BenchQuestion, Figure, Report, figure
from bench.services import Service, installation
from bench.usage import cpu_s

# Half of the sessions began in the last 30 days, half in the 30 days before, with which the overview compares.
DATA = Data(sessions=100_000, days=60, users=100, prompts=4, events=100_000)
ENV = {"AUDIT_EVERY_S": "0", "READS_PER_HOUR": "0", "ANSWER_CACHE_BYTES_MAX": "0"}
ROUNDS = 5
SHOWN_MARK_MS = 1_000
WITHOUT_MARK = {"chart", "tools"}  # a large library, and what follows the first turns

OVERVIEWS: Mapping[str, Mapping[str, str]] = {"7 days": {}, "30 days": {"range": "30d"}}
OVERVIEW = {"numbers": '[data-kpi="cost"]:not([data-value=""])', "chart": '[data-testid="chart"][data-drawn="yes"]'}
LISTS: Mapping[str, Mapping[str, str]] = {
    "first page": {},
    "a rare word": {"q": "module1900"},
    "a common word": {"q": search_words()[1]},
}
LIST = {"rows": ".session-row"}
TURNS = {"turns": ".turns .turn", "tools": ".turns .bar-tool"}
EVENTS = {"events": '[data-list="events"] .virtual-row'}


class Visited(NamedTuple):
    """What a visit showed, and the processor time of `up` until nothing was loading."""

    seen: Seen
    service_ms: float


class Site(NamedTuple):
    """A running `up` over the filled store, its long session, and the browser."""

    service: Service
    session_id: str
    browser: Browser
    report: Report

    def visit(self, path: str, parameters: Mapping[str, str], wanted: Mapping[str, str]) -> list[Visited]:
        """Return visits as an admin, each with an empty cache, after one that warms up the service."""
        return [self._visit(path, parameters, wanted, number) for number in range(ROUNDS + 1)][1:]

    def _visit(self, path: str, parameters: Mapping[str, str], wanted: Mapping[str, str], number: int) -> Visited:
        self.report(f"{path} {dict(parameters)}, round {number} of {ROUNDS}")
        target, used = self.service.target, cpu_s(self.service.pid)
        query, token = urlencode(parameters), urlencode({"token": target.tokens[ORG]})
        seen = visit(self.browser, f"http://{target.host}:{target.port}{path}?{query}#{token}", wanted)
        return Visited(seen, (cpu_s(self.service.pid) - used) * 1e3)


@contextlib.contextmanager
def _site(program: str, report: Report) -> Iterator[Site]:
    with installation("up", ENV, fill=lambda folder: fill_store(folder, DATA, report)) as service:
        (session,) = uvloop.run(get_once(service.target, LONG_SESSION_PATH))["data"]
        with running_chromium(program) as browser:
            yield Site(service, str(session["id"]), browser, report)


def _with_chromium(name: str, measure: Callable[[Site], list[Figure]]) -> BenchQuestion:
    """Return a question that, without a Chromium, only says what to install."""

    def measured(report: Report) -> list[Figure]:
        program = find_chromium()
        if program is None:
            return [figure(f"{name} {HOW_TO_GET_IT}", 0, "skipped")]
        with _site(program, report) as site:
            return measure(site)

    return BenchQuestion(name, f"{(measure.__doc__ or '').partition('.')[0]}, in Chromium", measured)


def _measure_overview(site: Site) -> list[Figure]:
    """Show the overview of 100,000 sessions."""
    return [
        one
        for name, parameters in OVERVIEWS.items()
        for one in _shown(f"dashboard_overview {name}", site.visit("/", parameters, OVERVIEW))
    ]


def _measure_list(site: Site) -> list[Figure]:
    """Show a page of 50 of 100,000 sessions."""
    return [
        one
        for name, parameters in LISTS.items()
        for one in _shown(f"dashboard_list {name}", site.visit("/sessions", {"range": "90d", **parameters}, LIST))
    ]


def _measure_session(site: Site) -> list[Figure]:
    """Show a session with 100,000 events."""
    path = f"/sessions/{site.session_id}"
    return [
        *_shown("dashboard_session timeline", site.visit(path, {}, TURNS)),
        *_shown("dashboard_session events", site.visit(path, {"view": "events"}, EVENTS)),
    ]


def _shown(name: str, visits: Sequence[Visited]) -> list[Figure]:
    """Return when each wanted thing was shown, and processor times, which vary less on a busy machine."""
    times = {wanted: [each.seen.shown_ms[wanted] for each in visits] for wanted in visits[0].seen.shown_ms}
    marks = {wanted: None if wanted in WITHOUT_MARK else SHOWN_MARK_MS for wanted in times}
    return [
        *(figure(f"{name}, {wanted}", ms, "ms", at_most=marks[wanted]) for wanted, ms in times.items()),
        figure(f"{name}, main thread of the page", [each.seen.main_thread_ms for each in visits], "ms"),
        figure(f"{name}, processor time of `up`", [each.service_ms for each in visits], "ms"),
    ]


QUESTIONS = (
    _with_chromium("dashboard_overview", _measure_overview),
    _with_chromium("dashboard_list", _measure_list),
    _with_chromium("dashboard_session", _measure_session),
)
