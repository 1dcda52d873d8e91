"""The pages with the keyboard alone: shortcuts, where they do not apply, and how to be rid of them."""

import re

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as TooLate

from tests.support.rigs.dashboard import Dashboard, Visits, number, settle


@pytest.fixture
def page(dashboard: Dashboard, visits: Visits) -> Page:
    """Return the overview of a first visit."""
    page = visits.open_apart(dashboard.link("/?range=30d"))
    settle(page)
    return page


def go(page: Page, key: str, url: re.Pattern[str]) -> None:
    """Press G and `key` until `url` is shown: on a busy machine, more time may pass between the two than a G lives."""
    for _ in range(5):
        page.keyboard.press("g")
        page.keyboard.press(key)
        try:
            page.wait_for_url(url, timeout=8_000)
        except TooLate:
            continue
        return settle(page)
    raise AssertionError(f"G {key} did not lead to {url.pattern}: {page.url}")


def test_shortcuts_lead_through_the_pages(page: Page) -> None:
    """G and a letter opens a page, and keeps the range; J and K move through a list, and Enter opens a session."""
    for key, path in (("t", "/team"), ("r", "/trust"), ("o", "/"), ("s", "/sessions")):
        go(page, key, re.compile(rf"{path}(\?range=30d)?$"))

    titles = page.locator("a.session-title")
    titles.first.wait_for()
    for key, at in (("j", 0), ("j", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(titles.nth(at)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sessions/[0-9a-f-]{36}"))


def test_a_slash_searches_from_any_page(page: Page) -> None:
    """What is typed then is text."""
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("go?jk/gs")

    expect(page.locator("#q")).to_have_value("go?jk/gs")
    expect(page.locator("dialog")).to_have_count(0)
    assert "/sessions" in page.url


def test_shortcuts_are_listed_and_can_be_switched_off(page: Page) -> None:
    """The choice is remembered; the list can still be opened."""
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Search sessions")
    dialog.get_by_label("Use shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.reload()
    settle(page)
    page.keyboard.press("/")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.locator("#q")).to_have_count(0)
    page.keyboard.press("?")
    expect(dialog.get_by_label("Use shortcuts")).not_to_be_checked()


def test_the_palette_leads_anywhere(dashboard: Dashboard, page: Page) -> None:
    """By keyboard alone: to an agent's sessions, to a search, and to a session by the beginning of its id."""
    agent, session = dashboard.longest["agent_name"], dashboard.longest["id"]
    field = page.get_by_role("combobox", name="Go to")
    chosen = page.locator("[role=option][aria-selected=true]")

    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type(agent)
    expect(chosen).to_have_text(f"{agent} Agent")
    expect(field).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/sessions.range=30d&agent_name={agent}$"))

    page.locator("#q").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("tokenizer")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sessions.range=30d&q=tokenizer$"))

    page.keyboard.press("Meta+k")
    page.keyboard.type("00000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No session begins with this id.")).to_be_visible()
    field.fill(session[:8])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/sessions/{session}"))


def test_the_questions_of_a_manager_by_keyboard_alone(dashboard: Dashboard, visits: Visits) -> None:
    """What did yesterday cost and why, who spent it, which agent fails at which tool, what was done, can I trust it?"""
    page = visits.open_apart(dashboard.link("/"))
    settle(page)
    tab_to(page, "#range")
    page.keyboard.type("Yesterday")
    page.wait_for_url(re.compile("range=yesterday"))
    settle(page)
    assert number(page, '[data-kpi="cost"]') > 0
    expect(page.locator(".kpi-why")).to_contain_text("$")

    tab_to(page, '[data-table="by-user"] tbody a')
    expect(page.locator('[data-table="by-user"] tbody tr').first).to_contain_text("$")
    page.keyboard.press("End")  # the tools are read when they come into view
    tab_to(page, '[data-panel="tool-errors"] td button')
    page.keyboard.press("Enter")
    expect(page.locator('[data-table="errors"] tbody tr').first).to_be_visible()

    go(page, "s", re.compile(r"/sessions\?range=yesterday"))
    page.locator("a.session-title").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sessions/[0-9a-f-]{36}"))
    tab_to(page, ".story details.use > summary")
    page.keyboard.press("Enter")
    expect(page.locator(".story details[open]").first).to_contain_text("Input")

    go(page, "r", re.compile(r"/trust"))
    expect(page.get_by_test_id("trust-verdict")).to_contain_text(re.compile("Yes|Complete"))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element that the selector matches has the focus, as a reader without a mouse does."""
    page.locator(selector).first.wait_for()
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} can't be reached by Tab")
