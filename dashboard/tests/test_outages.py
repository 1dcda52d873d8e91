"""The server, the store or the network is down: earlier numbers stay, the page says so, and it recovers by itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.rigs.agent_home import AgentHome
from tests.support.rigs.dashboard import Dashboard, Visits, number, settle
from tests.support.rigs.installation import Installation

AWAY = '{"error": "The store does not answer.", "code": "store_unavailable", "details": {}, "request_id": "r1"}'


def refuse(route: Route) -> None:
    headers = {"content-type": "application/json", "retry-after": "1"}
    route.fulfill(status=503, headers=headers, body=AWAY)


@pytest.fixture
def tolerant(visits: Visits) -> Visits:
    """Return visits whose pages may fail to load data."""
    visits.failed_loads_are_fine = True
    return visits


def now(page: Page) -> None:
    """Trigger another try."""
    page.get_by_role("button", name="Try now").click()


def test_a_503_keeps_what_was_read(dashboard: Dashboard, tolerant: Visits) -> None:
    """The message disappears when the store is back."""
    page = tolerant.open(dashboard.link("/?range=30d"))
    cost = number(page, '[data-kpi="cost"]')
    page.route("**/api/**", refuse)
    page.evaluate("dispatchEvent(new Event('online'))")  # starts the next round now

    expect(page.get_by_test_id("problem")).to_contain_text("nothing is lost")
    assert number(page, '[data-kpi="cost"]') == cost

    page.unroute("**/api/**")
    page.route("**/api/**", lambda route: route.abort())
    now(page)
    expect(page.get_by_test_id("problem")).to_contain_text(re.compile(r"Not reachable since \d\d:\d\d\. Start it with"))

    page.unroute("**/api/**")
    now(page)
    expect(page.get_by_test_id("problem")).to_be_hidden()


def test_an_outage_keeps_what_was_read(dashboard: Dashboard, tolerant: Visits) -> None:
    """A page that was read before is shown with its age, until the server answers; another reader never sees it."""
    page = tolerant.open(dashboard.link("/sessions?range=30d"))
    title = page.locator(".session-title").first.inner_text()
    page.get_by_text("Export", exact=True).click()
    with page.expect_download():
        page.get_by_role("button", name="CSV").click()
    page.get_by_role("link", name="Overview").click()
    settle(page)
    page.route("**/api/**", lambda route: route.abort())

    page.locator("nav").get_by_role("link", name="Sessions").click()
    expect(page.locator(".session-title").first).to_have_text(title)
    expect(page.get_by_test_id("age")).to_have_text(
        re.compile(r"^As of \d\d:\d\d\. The server has not answered since( \d\d:\d\d)?\.$")
    )
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="CSV").click()
    expect(page.get_by_text(re.compile("^Not saved"))).to_be_visible()  # a file does not say how old it is

    page.unroute("**/api/**")
    now(page)
    expect(page.get_by_test_id("problem")).to_be_hidden()
    expect(page.get_by_test_id("age")).to_have_count(0)

    page.route("**/api/**", lambda route: route.abort())
    page.evaluate(f"location.hash = 'token={dashboard.token(user='bao')}'")
    page.get_by_role("dialog").get_by_role("button", name="Switch").click()
    expect(page.get_by_test_id("problem")).to_contain_text("Not reachable")
    expect(page.locator(".session-title")).to_have_count(0)


def test_a_503_at_first(dashboard: Dashboard, tolerant: Visits) -> None:
    """The page says what is wrong, retries by itself, and then shows the numbers."""
    page = tolerant.open(dashboard.url)
    page.route("**/api/**", refuse)
    page.evaluate(f"sessionStorage.setItem('crewkit.token', '{dashboard.token()}')")
    page.goto(f"{dashboard.url}/sessions?range=30d")
    expect(page.get_by_test_id("problem")).to_contain_text("nothing is lost")
    expect(page.get_by_test_id("problem")).to_contain_text("Trying again in")

    page.unroute("**/api/**")

    expect(page.locator("[data-session]").first).to_be_visible()
    expect(page.get_by_test_id("problem")).to_be_hidden()


@pytest.mark.part("browser")
def test_offline(dashboard: Dashboard, tolerant: Visits) -> None:
    """The device goes offline, and then online again."""
    page = tolerant.open_apart(dashboard.link("/?range=30d"))
    page.locator('[data-table="by-model"]').wait_for()  # everything was read
    page.context.set_offline(True)
    expect(page.get_by_test_id("problem")).to_contain_text("offline")

    page.context.set_offline(False)

    expect(page.get_by_test_id("problem")).to_be_hidden()


@pytest.mark.part("browser")
@pytest.mark.parametrize("path", ["/?range=30d", "/team?range=30d", "/trust"])
def test_pages_of_several_reads_recover_from_a_503_at_first(dashboard: Dashboard, tolerant: Visits, path: str) -> None:
    """Everything is drawn once the reader scrolls to it."""
    page = tolerant.open(dashboard.url)
    page.route("**/api/**", refuse)
    page.evaluate(f"sessionStorage.setItem('crewkit.token', '{dashboard.token()}')")
    page.goto(f"{dashboard.url}{path}")
    expect(page.get_by_test_id("problem")).to_be_visible()

    page.unroute("**/api/**")

    expect(page.get_by_test_id("problem")).to_be_hidden()
    expect(page.locator("main [data-value]:visible").first).to_be_visible()
    for each in page.locator("main .skeleton:visible").all():
        each.scroll_into_view_if_needed()
    expect(page.locator("main .skeleton:visible")).to_have_count(0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    """Start an installation that the test may kill."""
    running = Installation("up", tmp_path / "up")
    try:
        yield running.start()
    finally:
        running.end()


@pytest.mark.part("browser")
def test_the_server_dies_and_comes_back(dashboard: Dashboard, tolerant: Visits, own: Installation) -> None:
    """After kill -9 and a restart, the open page continues, still signed in."""
    with own.client() as client:
        token = client.headers["authorization"].partition(" ")[2]
        reply = client.post("/api/v1/acme/sessions", json={"title": "before"})
        assert reply.is_success
    page = tolerant.open(f"{own.url}/sessions#token={token}")
    expect(page.get_by_text("before")).to_be_visible()

    own.kill()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_test_id("problem")).to_contain_text(re.compile("Not reachable|Trying again"))
    own.start()

    expect(page.get_by_test_id("problem")).to_be_hidden()
    assert number(page, '[data-kpi="sessions"]') == 1


def test_an_empty_org_learns_how_to_connect(dashboard: Dashboard, visits: Visits, tmp_path: Path) -> None:
    """The printed command works unchanged; the first session then appears by itself."""
    page = visits.open(dashboard.link("/sessions", token=dashboard.token(org="empty")))
    command = page.get_by_test_id("connect").locator("code").first
    installation = dashboard.installation
    expect(command).to_have_text("crewkit-hook connect --org empty --user alice")
    home = AgentHome(tmp_path / "home", installation, "empty")
    options = ("--client", "claude-code", "--data", str(installation.data))
    connected = home.command(*command.inner_text().split()[1:], *options)
    assert connected.returncode == 0, connected.stderr

    expect(page.get_by_text("Connection test")).to_be_visible()
