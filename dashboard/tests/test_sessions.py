"""The list of sessions: search, filters, order and pages equal the API's, and are in the address."""

import math
import re

from playwright.sync_api import Page, expect

from tests.support.rigs.dashboard import Dashboard, Visits, settle

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


def test_search_marks_what_it_found(dashboard: Dashboard, visits: Visits) -> None:
    """It finds the same sessions as the API, and marks the words."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    page.get_by_placeholder("Search").fill("tokenizer")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile("q=tokenizer"))
    total = dashboard.api("/sessions/search", q="tokenizer")["meta"]["total_count"]

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
