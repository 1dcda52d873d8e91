"""The team page: every number equals the API's and the sent ones, and leads to the sessions behind it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from schemas.permissions import Role
from tests.support.rigs.dashboard import Dashboard, Visits, number

Row = dict[str, Any]
COMMON = ["cost_usd", "sessions", "tokens", "cost_share"]
WORK = ["lines_added", "lines_removed", "commits", "pull_requests", "active_seconds"]
TABLES = {  # panel: its columns, by the names in the API
    "by-user": ["user_id", *COMMON, "avg_duration_seconds", "last_active_at", "top_agent", *WORK],
    "by-agent": ["agent_name", *COMMON, "avg_duration_seconds", "users", "tool_error_rate", *WORK],
    "by-project": ["project_id", *COMMON],
}
KPIS = {
    "users": "active_users",
    "sessions": "sessions",
    "sessions_per_user": "sessions_per_user",
    "cost": "cost_usd",
    "tokens": "tokens",
}
DEMO_DAYS = 16  # no session of the demo is older
LARGE_ORG, MANY = "browser-team", 105  # users: two pages of the API


class Days:
    """Days of the demo, as the page and the API name them; fixed, so that a test may run past midnight."""

    def __init__(self, last: int) -> None:
        today = datetime.now(UTC).date()
        self.start, self.end = str(today - timedelta(days=last - 1)), str(today)
        self.params = {"start_date": self.start, "end_date": self.end}
        self.path = f"/team?range=custom&start={self.start}&end={self.end}"


def people_of(dashboard: Dashboard, **params: Any) -> list[Row]:
    """Return the rows of all pages of `by-user`, with each user's share of the cost from the cost breakdown."""
    breakdown = dashboard.api("/sessions/analytics/cost-breakdown", **params)["data"]["by_user"]
    shares = {row["user_id"]: row["cost_share"] for row in breakdown}
    reply = dashboard.api("/sessions/analytics/by-user", per_page=3, **params)
    rows: list[Row] = reply["data"]
    for page in range(2, reply["meta"]["total_pages"] + 1):
        rows += dashboard.api("/sessions/analytics/by-user", per_page=3, page=page, **params)["data"]
    assert len(rows) == reply["meta"]["total_count"]
    return [{**row, "cost_share": shares[row["user_id"]]} for row in rows]


def expected_rows(dashboard: Dashboard, panel: str, **params: Any) -> list[Row]:
    """Return the API's values, with the columns of the table."""
    if panel == "by-user":
        found = people_of(dashboard, **params)
    elif panel == "by-agent":
        found = dashboard.api("/sessions/analytics/by-agent", **params)["data"]
    else:
        found = dashboard.api("/sessions/analytics/cost-breakdown", **params)["data"]["by_project"]
    return [{key: row[key] for key in TABLES[panel]} for row in found]


def table_of(page: Page, name: str) -> Locator:
    found = page.locator(f'[data-table="team-{name}"]')
    found.wait_for()
    return found


def rows_of(table: Locator) -> list[dict[str, str]]:
    """Return the raw values of the visible rows, in order."""
    found: list[dict[str, str]] = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(({children}) => Object.fromEntries([...children].map(({dataset: d}) => [d.key, d.value])))"
    )
    return found


def typed(rows: Iterable[dict[str, str]], like: Iterable[Row]) -> list[Row]:
    """Return texts as numbers where the API has numbers, and as null where they are empty."""
    numbers = {key for row in like for key, value in row.items() if isinstance(value, int | float)}
    return [
        {key: None if text == "" else float(text) if key in numbers else text for key, text in row.items()}
        for row in rows
    ]


def by_name(rows: Iterable[Row], panel: str) -> dict[str, Row]:
    return {row[TABLES[panel][0]]: row for row in rows}


def commits_of(session: Any) -> int:
    """Return the commits that a session's events measured, as sent."""
    events = [event for batch in session.batches for event in msgspec.json.decode(batch.body)["events"]]
    measured = [event["data"] for event in events if event["event_type"] == "Measurement"]
    return sum(data["value"] for data in measured if data["name"] == "commits")


@pytest.fixture(scope="module")
def month() -> Days:
    """Return the days that have all sessions."""
    return Days(30)


@pytest.fixture(scope="module")
def team(dashboard: Dashboard, long_visits: Visits, month: Days) -> Page:
    """Return the page for these days, which no test leaves or changes."""
    return long_visits.open(dashboard.link(month.path))


def test_every_number_of_the_tables_is_that_of_the_api(dashboard: Dashboard, team: Page, month: Days) -> None:
    """Users, agents and projects: each row of the API is there once, the most expensive first, and not rounded."""
    for panel in TABLES:
        expected = expected_rows(dashboard, panel, **month.params)
        shown = typed(rows_of(table_of(team, panel)), expected)
        assert len(shown) == len(expected) > 1
        assert by_name(shown, panel) == by_name(expected, panel)
        costs = [row["cost_usd"] for row in shown]
        assert costs == sorted(costs, reverse=True)


def test_the_numbers_are_those_that_were_sent(dashboard: Dashboard, team: Page) -> None:
    """Sessions and commits by user, sessions by agent and by project: counted from the requests, without the API."""
    people, agents, projects = (rows_of(table_of(team, panel)) for panel in TABLES)
    commits: Counter[str] = Counter()
    for session in dashboard.sent:
        commits[session.user_id] += commits_of(session)

    assert {row["user_id"]: int(row["sessions"]) for row in people} == Counter(s.user_id for s in dashboard.sent)
    assert {row["user_id"]: int(row["commits"]) for row in people} == commits
    assert commits.total() == dashboard.sent_measurement("commits") > 0
    for name, rows in (("agent_name", agents), ("project_id", projects)):
        assert {row[name]: int(row["sessions"]) for row in rows} == Counter(s.create[name] for s in dashboard.sent)
    assert number(team, '[data-kpi="users"]') == len(people)
    assert number(team, '[data-kpi="sessions"]') == len(dashboard.sent)
    assert number(team, '[data-kpi="tokens"]') == dashboard.sent_tokens()


def change_text(now: float | None, before: float | None) -> str:
    """Return the text of a change, computed from the two periods."""
    if now is None or before is None:
        return ""
    if before == 0:
        return "none before" if now else "as before"
    share = now / before - 1
    if abs(share) < 0.0005:
        return "as before"
    digits = Decimal("0.1") if abs(share) < 0.1 else Decimal(1)
    percent = Decimal(abs(share) * 100).quantize(digits, ROUND_HALF_UP)
    return f"{'+' if share > 0 else '−'}{percent} %"


@pytest.mark.parametrize("last", [5, 30])
def test_the_tiles_compare_with_the_period_before(dashboard: Dashboard, visits: Visits, last: int) -> None:
    """The value is that of these days, and the change compares it with the equally long time before, if any."""
    days = Days(last)
    page = visits.open(dashboard.link(days.path))
    found = dashboard.api("/sessions/analytics/team-overview", **days.params)["data"]
    now, before = found["current"], found["previous"]
    assert (before["sessions"] > 0) == (last < DEMO_DAYS)

    for name, field in KPIS.items():
        tile = page.locator(f'[data-kpi="{name}"]')
        assert number(page, f'[data-kpi="{name}"]') == now[field]
        text = change_text(now[field], before[field])
        rest = f" from {before[field]:,}$" if name in ("users", "sessions") else " from .+$"
        expect(tile.locator(".kpi-change")).to_have_text(
            re.compile(f"^{re.escape(text)}{rest if '%' in text else '$'}")
        )
    expect(page.locator(".kpi-change").first).to_have_attribute("title", f"compared with the {last} days before")


def test_how_sessions_ended(dashboard: Dashboard, visits: Visits) -> None:
    """The outcomes are those of both periods; an outcome links to its sessions, if it has any."""
    days = Days(5)
    page = visits.open(dashboard.link(days.path))
    found = dashboard.api("/sessions/analytics/team-overview", **days.params)["data"]
    now, before = found["current"], found["previous"]
    table = table_of(page, "outcomes")

    shown = {row["outcome"]: row for row in rows_of(table)}

    assert {name: int(row["sessions"]) for name, row in shown.items()} == now["outcomes"]
    assert {name: int(row["sessions_before"]) for name, row in shown.items()} == before["outcomes"]
    assert {name: float(row["share"]) for name, row in shown.items()} == {
        name: sessions / now["sessions"] for name, sessions in now["outcomes"].items()
    }
    for outcome in ("none", "success"):
        row = table.locator("tbody tr", has=page.locator(f'[data-value="{outcome}"]'))
        row.locator('[data-key="sessions"] a').click()
        expect(page.get_by_test_id("found")).to_have_attribute("data-value", str(now["outcomes"][outcome]))
        page.go_back()


def test_a_table_sorts_by_each_column_both_ways(dashboard: Dashboard, visits: Visits) -> None:
    """The first click puts the largest first, the second the smallest; the order stays when the page is redrawn."""
    days = Days(30)
    page = visits.open(dashboard.link(days.path))
    table = table_of(page, "by-user")
    people = expected_rows(dashboard, "by-user", **days.params)
    heads = table.locator("thead th")

    def order(key: str) -> list[Any]:
        return [row[key] for row in typed(rows_of(table), people)]

    for at, key in enumerate(TABLES["by-user"]):
        down = sorted((row[key] for row in people), reverse=True)
        for direction, values in (("descending", down), ("ascending", down[::-1])):
            heads.nth(at).get_by_role("button").click()
            expect(heads.nth(at)).to_have_attribute("aria-sort", direction)
            assert order(key) == values
    expect(table.locator("[aria-sort]")).to_have_count(1)

    page.locator("#filter-agent_name").select_option("reviewer")
    page.wait_for_url(re.compile("agent_name=reviewer"))
    expect(table_of(page, "by-agent").locator("tbody tr")).to_have_count(1)
    expect(table_of(page, "by-user").locator("thead th").last).to_have_attribute("aria-sort", "ascending")


def saved(page: Page, name: str) -> list[dict[str, str]]:
    """Return the rows of the CSV file of a table."""
    with page.expect_download() as download:
        page.locator(f'[data-csv="{name}"]').click()
    assert download.value.suggested_filename == f"{name}.csv"
    with download.value.path().open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(io.StringIO(file.read())))


def test_a_table_is_saved_as_csv(dashboard: Dashboard, visits: Visits) -> None:
    """All rows in the order of the table, with the API's raw values under the API's names."""
    days = Days(30)
    page = visits.open(dashboard.link(days.path))
    table_of(page, "by-user").locator("thead th").first.get_by_role("button").click()  # by name, in descending order

    for panel in TABLES:
        expected = expected_rows(dashboard, panel, **days.params)
        found = saved(page, panel)
        assert list(found[0]) == TABLES[panel]
        assert by_name(typed(found, expected), panel) == by_name(expected, panel)
        assert len(found) == len(expected)
        assert found == rows_of(table_of(page, panel))


@pytest.fixture(scope="module")
def large(dashboard: Dashboard) -> str:
    """Return the token of an org with more users than fit on one page of the API."""
    for n in range(MANY):
        with dashboard.installation.client(org=LARGE_ORG, user=f"user {n:03}") as client:
            reply = client.post(f"/api/v1/{LARGE_ORG}/sessions", json={"external_id": str(n)})
            assert reply.is_success, reply.text
            position = reply.json()["meta"]["position"]
            if n >= MANY - 10:  # in all partitions
                wait = {"X-Wait-For-Position": position}
                client.get(f"/api/v1/{LARGE_ORG}/sessions/analytics/by-user", headers=wait).raise_for_status()
    return dashboard.token(org=LARGE_ORG)


def test_a_large_team_is_shown_and_saved_whole(dashboard: Dashboard, visits: Visits, large: str) -> None:
    """The table begins with some rows, shows all on demand, and the file has every user from every page."""
    page = visits.open(dashboard.link("/team?range=7d", token=large))
    table = table_of(page, "by-user")
    everyone = {f"user {n:03}" for n in range(MANY)}
    expect(table.locator("tbody tr")).to_have_count(15)

    assert {row["user_id"] for row in saved(page, "by-user")} == everyone

    table.get_by_role("button", name=f"Show all {MANY}").click()
    shown = rows_of(table)
    assert len(shown) == MANY
    assert {row["user_id"] for row in shown} == everyone
    expect(table_of(page, "by-agent").locator("tbody tr")).to_have_text(re.compile("no agent"))
    expect(table_of(page, "by-agent").locator("tbody a")).to_have_count(0)  # no filter finds sessions without a name


def test_a_number_of_a_row_leads_to_its_sessions(dashboard: Dashboard, visits: Visits) -> None:
    """The list has as many sessions as the row says, for a user, an agent, a project and a user's main agent."""
    days = Days(9)
    page = visits.open(dashboard.link(days.path))

    for panel in TABLES:
        last = table_of(page, panel).locator("tbody tr").last
        sessions = last.locator('[data-key="sessions"]').get_attribute("data-value")
        last.locator('[data-key="sessions"] a').click()
        expect(page.get_by_test_id("found")).to_have_attribute("data-value", str(sessions))
        assert 0 < int(sessions or 0) < len(dashboard.sent)
        page.go_back()

    person = rows_of(table_of(page, "by-user"))[0]
    after = {"started_after": f"{days.start}T00:00:00Z"}
    both = dashboard.api("/sessions", per_page=1, user_id=person["user_id"], agent_name=person["top_agent"], **after)
    table_of(page, "by-user").locator('tbody [data-key="top_agent"] a').first.click()
    expect(page.get_by_test_id("found")).to_have_attribute("data-value", str(both["meta"]["total_count"]))


def test_a_filter_applies_to_every_number(dashboard: Dashboard, visits: Visits) -> None:
    """A name in a table filters tiles and tables; a model in the address does not, since users have no model."""
    days = Days(30)
    page = visits.open(dashboard.link(f"{days.path}&model=claude-haiku-4-5"))
    assert number(page, '[data-kpi="sessions"]') == len(dashboard.sent)
    expect(page.locator("#filter-model")).to_have_count(0)

    table_of(page, "by-project").get_by_role("link", name="ledger").click()
    page.wait_for_url(re.compile("project_id=ledger"))
    expect(page.locator("#filter-project_id")).to_have_value("ledger")
    expect(table_of(page, "by-project").locator("tbody tr")).to_have_count(1)
    params = {"project_id": "ledger", **days.params}
    current = dashboard.api("/sessions/analytics/team-overview", **params)["data"]["current"]

    assert {name: number(page, f'[data-kpi="{name}"]') for name in KPIS} == {
        name: current[field] for name, field in KPIS.items()
    }
    for panel in TABLES:
        expected = expected_rows(dashboard, panel, **params)
        assert by_name(typed(rows_of(table_of(page, panel)), expected), panel) == by_name(expected, panel)

    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator('[data-kpi="sessions"]')).to_have_attribute("data-value", str(len(dashboard.sent)))


@pytest.mark.parametrize("role", ["member", pytest.param("viewer", marks=pytest.mark.part("browser"))])
def test_who_may_not_see_names_learns_who_may(dashboard: Dashboard, visits: Visits, role: Role) -> None:
    """The page says so, shows no names, and makes no such API calls."""
    page = visits.open("about:blank")
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if "/api/" in request.url else None)
    page.goto(dashboard.link("/team?range=30d", token=dashboard.token(role, "bao")))

    message = page.get_by_test_id("not-allowed")
    expect(message).to_contain_text(f"Managers, admins and owners may see it; your role is {role}.")
    page.wait_for_load_state("networkidle")
    assert calls == []
    expect(page.locator("[data-table]")).to_have_count(0)
    message.get_by_role("link", name="To the overview").click()
    number(page, '[data-kpi="cost"]')
    assert calls
    assert not [call for call in calls if "by-user" in call]


def test_a_manager_sees_the_team(dashboard: Dashboard, visits: Visits) -> None:
    """They see the same users as an admin."""
    page = visits.open(dashboard.link(Days(30).path, token=dashboard.token("manager", "mia")))
    people = {session.user_id for session in dashboard.sent}

    assert {row["user_id"] for row in rows_of(table_of(page, "by-user"))} == people


def test_nobody_worked(dashboard: Dashboard, visits: Visits) -> None:
    """Days without a session say so, and offer a way out."""
    page = visits.open(dashboard.link("/team?range=custom&start=2020-01-01&end=2020-01-05"))

    expect(page.get_by_test_id("nothing-matches")).to_be_visible()
    expect(page.locator("[data-table], [data-kpi]")).to_have_count(0)
    page.get_by_role("link", name="Show the last 90 days").click()
    expect(page.locator('[data-kpi="sessions"]')).to_have_attribute("data-value", str(len(dashboard.sent)))
