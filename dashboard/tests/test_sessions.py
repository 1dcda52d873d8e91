"""The list of sessions: search, filters, order and pages equal the API's, and are in the address."""

import csv
import json
import math
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.rigs.dashboard import Dashboard, Visits, number, settle

PER_PAGE = 50


def ids(page: Page) -> list[str]:
    settle(page)
    page.locator("[data-session]").first.wait_for()
    found: list[str] = page.locator("[data-session]").evaluate_all("rows => rows.map(row => row.dataset.session)")
    return found


def expected_ids(dashboard: Dashboard, **params: object) -> list[str]:
    found = dashboard.api("/sessions", per_page=PER_PAGE, **params)["data"]
    return [session["id"] for session in found]


ORDERS = ("-cost_usd", "-tokens", "-duration_seconds", "started_at", "-started_at")
FILTERS = {
    "#choice-status": "active",
    "#choice-outcome": "failure",
    "#choice-trigger": "headless",
    "#filter-project_id": "ledger",
    "#filter-repo": "acme/web",
    "#filter-agent_name": "reviewer",
    "#filter-user_id": "bao",
    "#filter-model": "claude-haiku-4-5",
}


def test_each_order(dashboard: Dashboard, visits: Visits) -> None:
    """The order equals the API's; the last one is the default, which the address doesn't name."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    assert ids(page) == expected_ids(dashboard, sort=ORDERS[-1])

    for sort in ORDERS:
        page.locator("#choice-sort").select_option(sort)
        page.wait_for_url(re.compile("range=30d$" if sort == ORDERS[-1] else f"sort={sort}"))
        assert ids(page) == expected_ids(dashboard, sort=sort)


def test_each_active_filter_is_shown_and_can_be_removed(dashboard: Dashboard, visits: Visits) -> None:
    """Also those that no field has."""
    session = dashboard.longest
    agent, thread = session["agent_name"], session["thread_id"]
    page = visits.open(dashboard.link(f"/sessions?range=30d&agent_name={agent}&thread_id={thread}"))
    assert session["id"] in ids(page)
    expect(page.locator(".chip")).to_contain_text([f"Agent: {agent}", f"Thread {thread[:8]}"])

    page.get_by_role("link", name=f"Remove Thread {thread[:8]}").click()
    page.wait_for_url(re.compile("agent_name=[^&]+$"))
    assert ids(page) == expected_ids(dashboard, agent_name=agent)
    page.get_by_role("link", name="Clear filters").click()
    page.wait_for_url(re.compile("range=30d$"))
    assert ids(page) == expected_ids(dashboard)


def test_each_filter(dashboard: Dashboard, visits: Visits) -> None:
    """The list and its count equal the API's, and without the filter all sessions are back."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    found = page.get_by_test_id("found")
    for control, value in FILTERS.items():
        page.locator(f'{control} option[value="{value}"]').wait_for(state="attached")
        page.locator(control).select_option(value)
        name = control.partition("-")[2]
        page.wait_for_url(re.compile(f"{name}="))
        total = dashboard.api("/sessions", per_page=1, **{name: value})["meta"]["total_count"]

        expect(found).to_have_attribute("data-value", str(total))
        assert ids(page) == expected_ids(dashboard, **{name: value})
        page.locator(control).select_option("")
        expect(found).to_have_attribute("data-value", str(len(dashboard.sent)))


def test_pages(dashboard: Dashboard, visits: Visits) -> None:
    """The second page continues the first, and the back button returns to it."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    first, pages = ids(page), math.ceil(len(dashboard.sent) / PER_PAGE)
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(re.compile("page=2"))
    expect(page.get_by_text(f"Page 2 of {pages}")).to_be_visible()

    assert ids(page) == expected_ids(dashboard, page=2)
    page.go_back()
    expect(page.get_by_text(f"Page 1 of {pages}")).to_be_visible()
    assert ids(page) == first


def test_all_pages_of_a_list_are_exported(dashboard: Dashboard, visits: Visits) -> None:
    """The file has every session of the filter, in the list's order, with the API's numbers."""
    page = visits.open(dashboard.link("/sessions?range=90d&outcome=success&sort=-cost_usd"))
    total = number(page, '[data-testid="found"]')
    assert total > PER_PAGE
    page.get_by_text("Export", exact=True).click()
    files = {}
    for name in ("JSON", "CSV"):
        with page.expect_download() as saved:
            page.get_by_role("button", name=name, exact=True).click()
        files[name] = Path(saved.value.path()).read_text()
    expect(page.get_by_text(f"Saved {total:,.0f} sessions.")).to_be_visible()

    found = json.loads(files["JSON"])
    expected = [
        session
        for at in range(1, math.ceil(total / 100) + 1)
        for session in dashboard.api("/sessions", outcome="success", sort="-cost_usd", per_page=100, page=at)["data"]
    ]
    assert found == expected
    rows = list(csv.DictReader(files["CSV"].splitlines()))
    assert [(row["id"], float(row["cost_usd"])) for row in rows] == [
        (session["id"], session["model_metrics"]["cost_usd"]) for session in found
    ]


def test_search_marks_what_it_found(dashboard: Dashboard, visits: Visits) -> None:
    """It finds the same sessions as the API, and marks the words."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    page.get_by_placeholder("Search").fill("tokenizer")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile("q=tokenizer"))
    total = dashboard.api("/sessions/search", q="tokenizer", events="true")["meta"]["total_count"]

    expect(page.get_by_test_id("found")).to_have_attribute("data-value", str(total))
    assert total > 0
    expect(page.locator("mark").first).to_have_text(re.compile("tokenizer", re.IGNORECASE))


def test_a_row_says_what_it_took(dashboard: Dashboard, visits: Visits) -> None:
    """The raw numbers of the first row equal the session's."""
    page = visits.open(dashboard.link("/sessions?range=30d&sort=-cost_usd"))
    session = dashboard.api("/sessions", per_page=1, sort="-cost_usd")["data"][0]
    row = page.locator(f'[data-session="{session["id"]}"]')

    expect(row.locator('[data-key="cost_usd"]')).to_have_attribute(
        "data-value", str(session["model_metrics"]["cost_usd"])
    )
    expect(row.locator('[data-key="tool_calls"]')).to_have_attribute("data-value", str(session["counts"]["tool_calls"]))
    expect(row.locator('[data-key="prompts"]')).to_have_attribute("data-value", str(session["counts"]["prompts"]))
    expect(row).to_contain_text(session["repo"])
    expect(row).to_contain_text(session["outcome"])


def test_nothing_matches(dashboard: Dashboard, visits: Visits) -> None:
    """The page says so, and offers a way out."""
    page = visits.open(dashboard.link("/sessions?range=30d&agent_name=unheard-of"))

    expect(page.get_by_test_id("nothing-matches")).to_be_visible()
    page.get_by_role("link", name="Show the last 90 days").click()
    expect(page.get_by_test_id("found")).to_have_attribute("data-value", str(len(dashboard.sent)))


def test_a_click_opens_the_session_and_back_returns(dashboard: Dashboard, visits: Visits) -> None:
    """Back returns to the same place in the list."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    ids(page)
    page.locator("[data-session] a").nth(40).scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    page.locator("[data-session] a").nth(40).click()
    page.wait_for_url(re.compile("/sessions/[0-9a-f-]{36}"))
    expect(page.locator("h1")).to_be_visible()

    page.go_back()

    expect(page.locator("[data-session]").first).to_be_visible()
    page.wait_for_function(f"Math.abs(scrollY - {before}) < 50")


def test_a_filter_with_many_values_completes_what_is_typed(dashboard: Dashboard, visits: Visits) -> None:
    """A value that does not exist is refused with a sentence; fewer than 20 values stay a list to choose from."""
    page = visits.open(dashboard.url)
    values = {name: ["one", "two"] for name in ("projects", "repos", "models", "users")}
    agents = [f"agent-{number:02}" for number in range(20)]
    page.route("**/sessions/filters", lambda route: route.fulfill(json={"data": {**values, "agents": agents}}))
    page.goto(dashboard.link("/sessions?range=30d"))
    field = page.locator("input#filter-agent_name")
    expect(field).to_have_attribute("placeholder", "Agent: all")
    expect(page.locator("select#filter-repo option")).to_have_count(3)

    field.fill("agent-20")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="No agent is named “agent-20”.")).to_be_visible()
    assert "agent_name" not in page.url
    field.fill("agent-19")
    field.press("Enter")
    page.wait_for_url(re.compile("agent_name=agent-19"))
    expect(page.locator("input#filter-agent_name")).to_have_value("agent-19")


def test_a_phone_has_its_filters_in_a_sheet(dashboard: Dashboard, visits: Visits) -> None:
    """The sheet stays open while filters are chosen; in a session, title and cost stay in view."""
    page = visits.open_apart(dashboard.link("/sessions?range=30d"), viewport={"width": 390, "height": 800})
    ids(page)
    expect(page.locator("#choice-outcome")).to_be_hidden()
    page.get_by_role("button", name="Filters", exact=True).click()
    sheet = page.get_by_role("dialog", name="Filters")
    for name, value in (("outcome", "success"), ("status", "ended")):
        sheet.locator(f"#choice-{name}").select_option(value)
        page.wait_for_url(re.compile(f"{name}={value}"))
        settle(page)
    expect(sheet.locator("select.chosen")).to_have_count(2)  # the new page's controls, in the open sheet
    sheet.get_by_role("button", name="Done").click()

    expect(page.get_by_role("button", name="Filters (2)")).to_be_focused()
    assert ids(page) == expected_ids(dashboard, outcome="success", status="ended")
    title = page.locator(".session-title").first
    text = title.inner_text()
    title.click()
    page.wait_for_url(re.compile("/sessions/[0-9a-f-]{36}"))
    settle(page)
    expect(page.locator(".compact-bar")).to_be_hidden()
    page.evaluate("scrollTo(0, 1_000)")
    expect(page.locator(".compact-bar")).to_be_in_viewport()
    expect(page.locator(".compact-bar")).to_contain_text(text)
