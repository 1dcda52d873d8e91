"""How fast does the dashboard show an org with 100,000 sessions, and a session with 100,000 events, in a Chromium?

A first visit has an empty cache, and the service remembers no answers. Chromium, `up` and its store share the machine.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import uvloop
from playwright.sync_api import Browser, BrowserContext, Page

from bench.chromium import HOW_TO_GET_IT, Seen, find_chromium, running_chromium, visit, visitor
from bench.harness import BenchQuestion, Figure, Report, of_rounds, of_rounds_at_most, without_mark
from bench.http_client import connect
from bench.load import ORG, Target, get
from bench.query_data import Data, fill_store, search_words
from bench.services import cpu_s, http_service, temporary_folder
from devstack.supervisor.process import Process

# Half of the sessions began in the last 30 days, half in the 30 days before, with which the overview compares.
DATA = Data(sessions=100_000, days=60, users=100, prompts=4, events=100_000)
LONG_SESSION_PATH = "/sessions?external_id=ext-0"  # finds the session that has all the events
ENV = {"AUDIT_EVERY_S": "0", "READS_PER_HOUR": "0", "ANSWER_CACHE_BYTES_MAX": "0"}
ROUNDS = 5
SHOWN_MARK_MS, FIRST_VIEW_MARK_KB = 1_000, 150
WITHOUT_MARK = {"chart", "tools"}  # a large library, and what follows the first turns
CHARTS = "vendor/plotly.min.js"
API = "/api/v1/"

NUMBERS, CHART = '[data-kpi="cost"]:not([data-value=""])', '[data-testid="chart"][data-drawn="yes"]'
OVERVIEWS: Mapping[str, Mapping[str, str]] = {"7 days": {}, "30 days": {"range": "30d"}}
LIST_ROW = ".session-row"
LISTS: Mapping[str, Mapping[str, str]] = {
    "first page": {},
    "a rare word": {"q": "module1900"},
    "a common word": {"q": search_words()[1]},
}
TURNS = {"turns": ".turns .turn", "tools": ".turns .bar-tool"}
EVENT_ROW = '[data-list="events"] .virtual-row'
EVENTS_SCROLLED, SLOW_FRAME_MS = 2_000, 50
# Jump to the end of what was read, frame by frame, until so many events were read.
SCROLL = """wanted => new Promise(resolve => {
  const list = document.querySelector('[data-list="events"]');
  const read = () => Number(document.querySelector('[data-testid="events-state"]').dataset.value);
  const began = performance.now(), first = read(), frames = [];
  const step = now => {
    frames.push(now);
    if (read() < wanted) { list.scrollTop = list.scrollHeight; requestAnimationFrame(step); return; }
    resolve({ms: now - began, events: read() - first, frames: frames.map((at, n) => at - (frames[n - 1] ?? began))});
  };
  requestAnimationFrame(step);
})"""


class Site(NamedTuple):
    """A running `up` over the filled store, its long session, and the browser."""

    process: Process
    target: Target
    session_id: str
    browser: Browser
    report: Report

    def link(self, path: str, parameters: Mapping[str, str]) -> str:
        """Return an address that carries the token of an admin."""
        address = f"http://{self.target.host}:{self.target.port}{path}"
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"{address}{query}#{urlencode({'token': self.target.tokens[ORG]})}"


class Visited(NamedTuple):
    """What a visit showed, and the processor time of `up` until nothing was loaded."""

    seen: Seen
    service_ms: float


class Scrolled(NamedTuple):
    """How long 1,000 events took, and how many frames were slow."""

    ms: float
    slow: int


@contextlib.contextmanager
def _site(program: str, report: Report) -> Iterator[Site]:
    with temporary_folder() as folder:
        fill_store(folder, DATA, report)
        with http_service(folder, "up", ENV) as (process, target):
            session_id = uvloop.run(_long_session(target))
            with running_chromium(program) as browser:
                yield Site(process, target, session_id, browser, report)


async def _long_session(target: Target) -> str:
    connection = await connect(target.host, target.port)
    (session,) = (await get(connection, target, LONG_SESSION_PATH))["data"]
    connection.close()
    return str(session["id"])


def _with_chromium(name: str, measure: Callable[[Site], list[Figure]]) -> BenchQuestion:
    """Return a question that is skipped, with what to install, if there is no Chromium."""

    def measured(report: Report) -> list[Figure]:
        program = find_chromium()
        if program is None:
            return [without_mark(f"{name} {HOW_TO_GET_IT}", 0, "skipped")]
        with _site(program, report) as site:
            return measure(site)

    return BenchQuestion(name, f"{(measure.__doc__ or '').partition('.')[0]}, in Chromium", measured)


def _measure_overview(site: Site) -> list[Figure]:
    """Show the overview of 100,000 sessions, first and again."""
    figures: list[Figure] = []
    for name, parameters in OVERVIEWS.items():
        label = f"dashboard_overview {name}"
        first, again = _visit_twice(site, site.link("/", parameters), {"numbers": NUMBERS, "chart": CHART})
        figures += [*_shown(label, first), *_shown(f"{label} again", again), *_transferred(label, first)]
    return figures


def _measure_list(site: Site) -> list[Figure]:
    """Show a page of 50 of 100,000 sessions."""
    figures: list[Figure] = []
    for name, parameters in LISTS.items():
        first, _ = _visit_twice(site, site.link("/sessions", {"range": "90d", **parameters}), {"rows": LIST_ROW})
        figures += _shown(f"dashboard_list {name}", first)
    return figures


def _measure_session(site: Site) -> list[Figure]:
    """Show a session with 100,000 events, and scroll through them."""
    path, scrolled = f"/sessions/{site.session_id}", list[Scrolled]()
    turns, _ = _visit_twice(site, site.link(path, {}), TURNS)
    events, _ = _visit_twice(
        site, site.link(path, {"view": "events"}), {"events": EVENT_ROW}, lambda page: scrolled.append(_scroll(page))
    )
    return [
        *_shown("dashboard_session timeline", turns),
        *_shown("dashboard_session events", events),
        of_rounds("dashboard_session scroll, 1,000 events", [each.ms for each in scrolled], "ms"),
        of_rounds(f"dashboard_session scroll, frames above {SLOW_FRAME_MS} ms", [each.slow for each in scrolled], ""),
    ]


def _visit_twice(
    site: Site, address: str, wanted: Mapping[str, str], then: Callable[[Page], object] = lambda _: None
) -> tuple[list[Visited], list[Visited]]:
    """Return first visits, and second ones with what the first left in the cache. One round warms up.

    ``then`` is called on the page of each first visit.
    """
    rounds = []
    for number in range(ROUNDS + 1):
        site.report(f"{address.partition('#')[0]}, round {number} of {ROUNDS}")
        with visitor(site.browser) as context:
            rounds.append(
                (
                    _visit(site, context, address, wanted, then if number else lambda _: None),
                    _visit(site, context, address, wanted, lambda _: None),
                )
            )
    first, again = zip(*rounds[1:], strict=True)
    return [*first], [*again]


def _visit(
    site: Site, context: BrowserContext, address: str, wanted: Mapping[str, str], then: Callable[[Page], object]
) -> Visited:
    used = cpu_s(site.process.pid)
    page, seen = visit(context, address, wanted)
    visited = Visited(seen, (cpu_s(site.process.pid) - used) * 1e3)
    then(page)
    page.close()
    return visited


def _scroll(page: Page) -> Scrolled:
    """Read events by scrolling."""
    found = page.evaluate(SCROLL, EVENTS_SCROLLED)
    return Scrolled(found["ms"] / found["events"] * 1_000, sum(ms > SLOW_FRAME_MS for ms in found["frames"]))


def _shown(name: str, visits: Sequence[Visited]) -> list[Figure]:
    """Return when each wanted thing was shown, and processor time: it moves less on a machine that has other work."""
    times = {wanted: [each.seen.shown_ms[wanted] for each in visits] for wanted in visits[0].seen.shown_ms}
    return [
        *(
            of_rounds(f"{name}, {wanted}", ms, "ms")
            if wanted in WITHOUT_MARK
            else of_rounds_at_most(f"{name}, {wanted}", ms, "ms", SHOWN_MARK_MS)
            for wanted, ms in times.items()
        ),
        of_rounds(f"{name}, main thread of the page", [each.seen.main_thread_ms for each in visits], "ms"),
        of_rounds(f"{name}, processor time of `up`", [each.service_ms for each in visits], "ms"),
    ]


def _transferred(name: str, visits: Sequence[Visited]) -> list[Figure]:
    """Return what a visit transferred without the library of the charts, and how much of it was data."""
    sizes = [{address: size for address, size in each.seen.sizes.items() if CHARTS not in address} for each in visits]
    data = [sum(size for address, size in each.items() if API in address) / 1e3 for each in sizes]
    return [
        of_rounds_at_most(
            f"{name}, transferred", [sum(each.values()) / 1e3 for each in sizes], "KB", FIRST_VIEW_MARK_KB
        ),
        of_rounds(f"{name}, transferred as data", data, "KB"),
    ]


QUESTIONS = (
    _with_chromium("dashboard_overview", _measure_overview),
    _with_chromium("dashboard_list", _measure_list),
    _with_chromium("dashboard_session", _measure_session),
)
