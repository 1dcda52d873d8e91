"""The overview: its numbers equal the API's and the sent ones, and lead to the sessions behind them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from schemas.permissions import Role
from tests.support.clients.session_client import SessionClient
from tests.support.rigs.dashboard import Dashboard, Visits, modules_of, number, settle, show_tool_errors

KPIS = {
    "cost": "total_cost_usd",
    "sessions": "total_sessions",
    "tokens": "total_tokens",
    "users": "unique_users",
    "cost_per_session": "avg_cost_usd_per_session",
    "tool_error_rate": "tool_error_rate",
    "failed": "failed_sessions",
    "duration": "avg_duration_seconds",
    "commits": "commits",
}


def kpi(page: Page, name: str) -> float:
    return number(page, f'[data-kpi="{name}"]')


def days(last: int) -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"start_date": str(today - timedelta(days=last - 1)), "end_date": str(today)}


@pytest.fixture(scope="module")
def overview(dashboard: Dashboard, long_visits: Visits) -> Page:
    """Return the overview of 30 days, which no test leaves or changes."""
    page = long_visits.open(dashboard.link("/?range=30d"))
    settle(page)
    return page


@pytest.fixture(scope="module")
def week(dashboard: Dashboard, long_visits: Visits) -> Page:
    """Return the overview of 7 days, likewise."""
    return long_visits.open(dashboard.link("/?range=7d"))


def test_the_numbers_are_those_of_the_api(dashboard: Dashboard, overview: Page) -> None:
    """Every tile shows the API's number, not a rounded one."""
    expected = dashboard.api("/sessions/analytics/summary", **days(30))["data"]

    shown = {name: kpi(overview, name) for name in KPIS}

    assert shown == {name: expected[field] for name, field in KPIS.items()}


def test_the_numbers_are_those_that_were_sent(dashboard: Dashboard, overview: Page) -> None:
    """Counted from the requests, without the API."""
    assert kpi(overview, "sessions") == len(dashboard.sent)
    assert kpi(overview, "tokens") == dashboard.sent_tokens()
    assert kpi(overview, "users") == len({session.user_id for session in dashboard.sent})
    lines = dashboard.sent_measurement("lines_added") + dashboard.sent_measurement("lines_removed")
    assert kpi(overview, "lines") == lines > 0
    assert kpi(overview, "commits") == dashboard.sent_measurement("commits") > 0


@pytest.mark.parametrize("panel", ["by-model", "by-agent", "by-project", "by-user"])
def test_each_table_of_costs_adds_up_to_the_total(overview: Page, panel: str) -> None:
    """They add up to the nano-dollar."""
    total = overview.locator('[data-kpi="cost"]').get_attribute("data-value")
    table = overview.locator(f'[data-table="{panel}"]')
    table.wait_for()
    more = table.get_by_role("button", name="Show all")
    if more.is_visible():
        more.click()

    cells = table.locator('td[data-key="cost_usd"]').evaluate_all("cells => cells.map(cell => cell.dataset.value)")

    assert total is not None
    assert sum(map(Decimal, cells)) == Decimal(total) > 0


@pytest.mark.parametrize("tile", ["sessions", "failed"])
def test_a_number_leads_to_the_sessions_behind_it(dashboard: Dashboard, visits: Visits, tile: str) -> None:
    """The list has as many sessions as the tile says."""
    page = visits.open(dashboard.link("/?range=30d"))
    sessions = kpi(page, tile)
    assert sessions > 0

    page.locator(f'[data-kpi="{tile}"]').click()

    expect(page.get_by_test_id("found")).to_have_attribute("data-value", f"{sessions:.0f}")
    assert urlsplit(page.url).path == "/sessions"


@pytest.mark.parametrize("role", ["member", pytest.param("viewer", marks=pytest.mark.part("browser"))])
def test_who_sees_only_their_own_sessions_chooses_whose_numbers(
    dashboard: Dashboard, visits: Visits, role: Role
) -> None:
    """Their own at first, which lead to their sessions; those of the org lead nowhere, since they may not see them."""
    user = max((session.user_id for session in dashboard.sent), key=[it.user_id for it in dashboard.sent].count)
    page = visits.open(dashboard.link("/?range=30d", token=dashboard.token(role, user)))
    cost = page.locator('[data-kpi="cost"]')
    for scope, of in (("Mine", {"user_id": user}), ("without names", {})):
        page.get_by_role("group", name="Whose numbers").get_by_text(scope).click()
        expected = dashboard.api("/sessions/analytics/summary", **days(30), **of)["data"]
        expect(cost).to_have_attribute("data-value", str(expected["total_cost_usd"]))
        assert kpi(page, "sessions") == expected["total_sessions"]
        expect(page.locator("a[data-kpi]")).to_have_count(0 if not of else page.locator("[data-kpi]").count())

    page.get_by_role("group", name="Whose numbers").get_by_text("Mine").click()
    expect(page.locator("a[data-kpi]").first).to_be_visible()
    sessions = kpi(page, "sessions")
    page.locator('[data-kpi="sessions"]').click()
    expect(page.get_by_test_id("found")).to_have_attribute("data-value", f"{sessions:.0f}")


def test_a_filter_applies_to_every_number_and_is_in_the_address(dashboard: Dashboard, visits: Visits) -> None:
    """A name in a table is a filter; the address can be shared."""
    page = visits.open(dashboard.link("/?range=30d"))
    page.locator('[data-table="by-agent"] tbody a').first.click()
    page.wait_for_url(re.compile("agent_name="))
    agent = parse_qs(urlsplit(page.url).query)["agent_name"][0]
    expected = dashboard.api("/sessions/analytics/summary", agent_name=agent, **days(30))["data"]

    expect(page.locator('[data-kpi="cost"]')).to_have_attribute("data-value", str(expected["total_cost_usd"]))
    assert kpi(page, "sessions") == expected["total_sessions"]

    again = visits.open(f"{page.url}#token={dashboard.token()}")
    assert kpi(again, "cost") == expected["total_cost_usd"]
    expect(again.locator("#filter-agent_name")).to_have_value(agent)


def test_back_and_forward_restore_range_and_filters(dashboard: Dashboard, visits: Visits) -> None:
    """Each choice is an entry of the history."""
    page = visits.open(dashboard.link("/?range=30d"))
    before = kpi(page, "sessions")
    page.locator("#range").select_option("7d")
    expect(page.locator('[data-kpi="sessions"]')).not_to_have_attribute("data-value", f"{before:.0f}")
    week = kpi(page, "sessions")

    page.go_back()
    expect(page.locator('[data-kpi="sessions"]')).to_have_attribute("data-value", f"{before:.0f}")
    expect(page.locator("#range")).to_have_value("30d")
    page.go_forward()
    expect(page.locator('[data-kpi="sessions"]')).to_have_attribute("data-value", f"{week:.0f}")


def test_own_dates(dashboard: Dashboard, visits: Visits) -> None:
    """Both days are included; dates in the wrong order are swapped."""
    today = datetime.now(UTC).date()
    first, last = str(today - timedelta(days=5)), str(today - timedelta(days=3))
    page = visits.open(dashboard.link(f"/?range=custom&start={first}&end={last}"))
    expected = dashboard.api("/sessions/analytics/summary", start_date=first, end_date=last)["data"]
    expect(page.locator('[data-kpi="sessions"]')).to_have_attribute("data-value", str(expected["total_sessions"]))

    page.locator("#range-end").fill(str(today - timedelta(days=9)))

    page.wait_for_url(re.compile(f"start={today - timedelta(days=9)}&end={first}"))


def test_the_chart_has_the_numbers_of_the_api(dashboard: Dashboard, week: Page) -> None:
    """Bars by model, and the rest, add up to the cost of each day."""
    expect(week.get_by_test_id("chart")).to_have_attribute("data-drawn", "yes")
    days_of_week = days(7)
    expected = dashboard.api("/sessions/analytics/timeseries", metric="cost", **days_of_week)["data"]

    week.get_by_text("The same as a table").click()
    rows = week.locator('[data-table="chart"] tbody tr').evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.dataset.value))"
    )

    sums = {row[0]: sum(map(Decimal, row[1:])) for row in rows}
    assert sums == {each["period_start"]: Decimal(str(each["value"])) for each in expected}


def test_the_change_is_explained(dashboard: Dashboard, week: Page) -> None:
    """The parts add up to the change, which is that of the API's two periods."""
    today = datetime.now(UTC).date()
    before = {"start_date": str(today - timedelta(days=13)), "end_date": str(today - timedelta(days=7))}
    now, past = (
        Decimal(str(dashboard.api("/sessions/analytics/summary", **period)["data"]["total_cost_usd"]))
        for period in (days(7), before)
    )

    assert Decimal(str(number(week, '[data-testid="changes"]'))) == now - past
    expect(week.get_by_test_id("changes")).to_contain_text("than the 7 days before")


def test_the_sessions_that_cost_most_have_names(dashboard: Dashboard, week: Page) -> None:
    """They are those of the API, with what each cost in the range."""
    of_week = {"spent_after": f"{days(7)['start_date']}T00:00:00Z", "sort": "-cost_usd", "per_page": 5}
    expected = dashboard.api("/sessions", **of_week)["data"]

    cells = week.locator('[data-table="dearest"] tbody [data-key]')
    shown = cells.evaluate_all("cells => cells.map(cell => cell.dataset.value)")

    wanted = [(it["id"], str(it["spent"]["cost_usd"]), str(it["spent"]["tokens"])) for it in expected]
    assert shown == [value for row in wanted for value in row]


def test_the_agent_and_the_tool_that_fail_most(dashboard: Dashboard, overview: Page) -> None:
    """It is the highest rate of those that the matrix shows with 20 uses or more, and each cell has its numbers."""
    sentence = show_tool_errors(overview)
    expect(sentence).to_contain_text(" fails most on ")
    text = sentence.inner_text()
    heads = overview.locator(".matrix thead th").all_inner_texts()[1:]
    rates = {}
    for row in overview.locator(".matrix tbody tr").all():
        agent, *cells = row.locator("th, td").all_inner_texts()
        for tool, cell in zip(heads, cells, strict=True):
            numbers = re.search(r"([\d,]+)/([\d,]+)", cell)
            if numbers and agent != "all":
                errors, calls = (int(number.replace(",", "")) for number in numbers.groups())
                rates[agent, tool] = (errors, calls)
    assert len(rates) > 10
    often = {key: errors / calls for key, (errors, calls) in rates.items() if calls >= 20}
    agent, tool = max(often, key=lambda key: often[key])
    errors, calls = rates[agent, tool]
    assert f"{agent} fails most on {tool}: {errors:,} of {calls:,} uses" in text
    of_api = dashboard.api("/sessions/analytics/by-tool", agent_name=agent, **days(30))["data"]
    assert (errors, calls) in [(row["errors"], row["calls"]) for row in of_api if row["tool_name"] == tool]


def test_the_most_frequent_errors_are_those_of_a_cell(dashboard: Dashboard, visits: Visits) -> None:
    """All at first; a cell of the matrix shows its own, which lead to the session in which each happened last."""
    page = visits.open(dashboard.link("/?range=30d"))
    show_tool_errors(page)
    of_api = dashboard.api("/sessions/analytics/tool-errors", **days(30))["data"]
    rows = page.locator('[data-table="errors"] tbody tr')
    first = of_api[0]
    expect(rows.first).to_contain_text(first["error"] or "without a known text")

    button = page.locator(".matrix tbody tr").first.locator("button").first
    button.click()

    expect(page.get_by_test_id("errors")).to_be_focused()
    heading = page.get_by_test_id("errors").locator("h3")
    agent = page.locator(".matrix tbody th").first.inner_text()
    expect(heading).to_contain_text(f"by {agent}")
    wanted = [one for one in of_api if one["agent_name"] == agent]
    tools = {one["tool_name"] for one in wanted if one["tool_name"] in heading.inner_text()}
    expect(rows).to_have_count(min(10, sum(one["tool_name"] in tools for one in wanted)))
    rows.first.locator("a").click()
    expect(page.locator('[data-view="events"]')).to_contain_text("PostToolUseFailure")


def test_the_strip_shows_who_works_and_who_waits(dashboard: Dashboard, visits: Visits) -> None:
    """A session that waits for a person comes first, and six are shown until a reader asks for all."""
    now = datetime.now(UTC)
    org = "live-org"
    busy = ("Busy", ["UserPromptSubmit", "PreToolUse"])
    for title, events in (*[busy] * 6, ("Asking", ["UserPromptSubmit", "Stop"])):
        with SessionClient(dashboard.installation, org, title=title, agent_name="reviewer") as session:
            data = {"at": now.isoformat(), "tool_name": "Bash", "prompt": "Go"}
            session.record(*[(kind, dict(data)) for kind in events])
            session.read("")

    page = visits.open(dashboard.link("/", token=dashboard.token(org=org)))

    strip = page.locator('[data-panel="live"]')
    expect(strip.get_by_role("heading")).to_have_text("Now: 6 at work, 1 waiting for a person")
    expect(strip.locator("li").nth(0)).to_contain_text(re.compile("Asking.*reviewer.*waiting for"))
    expect(strip.locator("li").nth(1)).to_contain_text(re.compile("Busy.*Bash"))
    expect(strip.locator("li:visible")).to_have_count(6)
    strip.get_by_text("1 more").click()
    expect(strip.locator("li:visible")).to_have_count(7)


def test_freshness_is_always_visible(dashboard: Dashboard, visits: Visits) -> None:
    """It shows the time from the API's reply, and links to its explanation."""
    page = visits.open(dashboard.link("/sessions"))
    badge = page.get_by_test_id("freshness")
    expect(badge).to_contain_text(re.compile(r"Complete through (now|\d+ s ago)"))
    shown = badge.get_attribute("data-complete-through")
    assert shown is not None
    assert datetime.now(UTC) - datetime.fromisoformat(shown) < timedelta(seconds=30)

    badge.click()

    page.wait_for_url(re.compile("/trust"))


def test_dark_and_light(dashboard: Dashboard, visits: Visits) -> None:
    """The theme follows the system, or the reader's choice, also after a reload."""
    background = "getComputedStyle(document.body).backgroundColor"
    page = visits.open_apart(dashboard.link("/sessions"), color_scheme="dark")
    dark = page.evaluate(background)

    page.get_by_role("button", name="Switch between light and dark").click()
    light = page.evaluate(background)
    page.reload()

    assert dark != light == page.evaluate(background)
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_a_table_is_saved_as_csv(dashboard: Dashboard, overview: Page) -> None:
    """The file has the API's raw values."""
    with overview.expect_download() as download:
        overview.locator('[data-csv="by-project"]').click()
    text = download.value.path().read_text()

    expected = dashboard.api("/sessions/analytics/cost-breakdown", **days(30))["data"]["by_project"]
    lines = text.splitlines()
    assert lines[0] == "project_id,cost_usd,cost_share,tokens,sessions"
    assert len(lines) == 1 + len(expected)
    assert lines[1].startswith(f"{expected[0]['project_id']},{expected[0]['cost_usd']},")


def test_a_bar_says_what_is_in_it_and_leads_to_its_day(dashboard: Dashboard, visits: Visits) -> None:
    """The sum first, as the API has it, then its parts; a click opens the sessions of the day, the dearest first."""
    page = visits.open(dashboard.link("/?range=7d"))
    chart = page.locator(".chart")
    expect(page.get_by_test_id("chart")).to_have_attribute("data-drawn", "yes")
    box = chart.bounding_box()
    assert box is not None
    last = {"x": box["width"] - 12, "y": box["height"] / 2}

    chart.hover(position=last)
    shown = dashboard.api("/sessions/analytics/timeseries", metric="cost", by="model", **days(1))["data"][0]
    expect(page.locator(".tip-head strong")).to_have_text(f"${shown['value']:,.2f}")
    expect(page.locator(".tip tr")).to_have_count(len(shown["parts"]))
    chart.click(position=last)

    asked = parse_qs(urlsplit(page.url).query)
    assert urlsplit(page.url).path == "/sessions"
    assert (asked["start"], asked["end"], asked["sort"]) == (
        [days(1)["start_date"]],
        [days(1)["end_date"]],
        ["-cost_usd"],
    )


def test_bars_are_stacked_on_both_sides_of_zero(overview: Page) -> None:
    """A later correction may take away more in a period than was spent in it."""
    drawn = overview.evaluate(
        """async (module) => {
            const { stackedBars } = await import(module);
            const series = [{ values: [3, -1], colour: "a" }, { values: [1, -2], colour: "b" }];
            const { element } = stackedBars({ width: 400, series, labels: ["x", "y"], showTick: String });
            const bars = (path) => path.getAttribute("d").match(/M[^M]+/g);
            const heights = (bar) => /M\\S+ (\\S+)h\\S+V([^h]+)/.exec(bar).slice(1).map(Number);
            return [...element.querySelectorAll("path")].map((path) => bars(path).map(heights));
        }""",
        f"{modules_of(overview)}/ui/bars.js",
    )

    unit = (drawn[0][0][0] - drawn[0][0][1]) / 3
    zero = drawn[0][0][0]
    in_units = [[[round((zero - y) / unit, 1) for y in bar] for bar in bars] for bars in drawn]
    assert in_units == [[[0, 3], [0, -1]], [[3, 4], [-1, -3]]]
