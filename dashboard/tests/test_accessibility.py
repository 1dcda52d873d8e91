"""The pages are accessible: axe finds nothing serious, the keyboard reaches everything, no width cuts a number."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.support.rigs.dashboard import VIEWPORT, VIEWS, Dashboard, Visits, settle, show_view
from tests.support.rigs.npm import installed_packages

Theme = Literal["light", "dark"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = {"serious", "critical"}
WIDTHS, HEIGHT = (360, 390, 1280, 1440, 2560), 800
AXE_WIDTHS = (390, 1440)
# Numbers that don't fit their element, or end outside of an ancestor that cuts or scrolls them.
CUT_NUMBERS = """() => {
    const cut = element => {
        if (element.scrollWidth > element.clientWidth && getComputedStyle(element).display !== "inline") return true;
        const { left, right } = element.getBoundingClientRect();
        for (let outer = element.parentElement; outer; outer = outer.parentElement) {
            const { overflowX } = getComputedStyle(outer);
            const box = outer.getBoundingClientRect();
            if (overflowX !== "visible" && (right > box.right + 1 || left < box.left - 1)) return true;
        }
        return false;
    };
    const numbers = document.querySelectorAll("td.number, .matrix td, .kpi-value, dd[data-number], td time");
    return [...numbers].filter(each => each.checkVisibility() && cut(each)).map(each => each.outerHTML.slice(0, 200));
}"""
SESSION = "{session}"
PAGES = ("/?range=30d", "/sessions?range=30d&q=tokenizer", "/team?range=30d", "/trust")
MORE = pytest.mark.part("browser")
THEMES = ("light", pytest.param("dark", marks=MORE))
PAGES_IN_THEMES = [
    *(("light", page) for page in PAGES),
    *(pytest.param("dark", page, marks=MORE) for page in PAGES[:-1]),
    ("dark", PAGES[-1]),
]


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the source of axe."""
    folder = installed_packages(Path(__file__).parent / "axe")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def session(dashboard: Dashboard) -> str:
    """Return the id of the session that has everything."""
    found: str = dashboard.longest["id"]
    return found


def open_page(dashboard: Dashboard, visits: Visits, path: str, session: str, theme: Theme = "light") -> Page:
    """Open a page with everything on it drawn."""
    tokens = {"token": dashboard.token(), "operator": dashboard.operator_token()}
    page = visits.open(dashboard.link(path.replace(SESSION, session), **tokens))
    page.emulate_media(color_scheme=theme)
    settle(page)
    for each in page.locator(".skeleton:visible").all():
        each.scroll_into_view_if_needed()
    expect(page.locator(".skeleton:visible")).to_have_count(0)
    return page


def check_grave_findings(page: Page, axe: str) -> None:
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run({ runOnly: rules })", RULES)["violations"]
    grave = [
        (violation["id"], violation["help"], [node["html"][:300] for node in violation["nodes"][:3]])
        for violation in found
        if violation["impact"] in GRAVE
    ]
    assert not grave, grave


@pytest.mark.parametrize(("theme", "path"), PAGES_IN_THEMES)
def test_a_page_for_everybody(
    dashboard: Dashboard, visits: Visits, axe: str, session: str, theme: Theme, path: str
) -> None:
    """Axe finds nothing serious; there is one top-level heading; at each width, no number is cut.

    The rules are those of WCAG 2.2 AA and best practices. The page never scrolls sideways.
    """
    check_for_everybody(open_page(dashboard, visits, path, session, theme), axe)


@pytest.mark.parametrize("theme", THEMES)
def test_the_views_of_a_session_for_everybody(
    dashboard: Dashboard, visits: Visits, axe: str, session: str, theme: Theme
) -> None:
    """The same holds for each view."""
    page = open_page(dashboard, visits, f"/sessions/{SESSION}", session, theme)
    for view in VIEWS:
        page.set_viewport_size(VIEWPORT)
        show_view(page, view)
        check_for_everybody(page, axe)


def check_for_everybody(page: Page, axe: str) -> None:
    assert page.locator("h1").count() == 1
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        page.wait_for_function(f"() => ({CUT_NUMBERS})().length === 0")
        if width in AXE_WIDTHS:
            check_grave_findings(page, axe)


@pytest.mark.parametrize("theme", THEMES)
def test_axe_on_what_opens(dashboard: Dashboard, visits: Visits, axe: str, session: str, theme: Theme) -> None:
    """The token form, the account menu, a payload, and the question about another user's link."""
    form = visits.open(dashboard.url)
    form.emulate_media(color_scheme=theme)
    form.get_by_label("Token").wait_for()
    check_grave_findings(form, axe)

    page = open_page(dashboard, visits, f"/sessions/{SESSION}?view=events", session, theme)
    page.get_by_label("Signed in as alice").click()
    check_grave_findings(page, axe)
    page.locator("[role=option]").first.click()
    expect(page.get_by_test_id("side-panel")).to_be_visible()
    check_for_everybody(page, axe)
    page.keyboard.press("Escape")
    page.evaluate(f"location.hash = 'token={dashboard.token(user='bao')}'")
    expect(page.get_by_role("dialog")).to_be_visible()
    check_grave_findings(page, axe)


def test_the_keyboard_alone(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """Skip to the content, search, open a session, and see where the focus is."""
    page = open_page(dashboard, visits, "/sessions?range=30d", session)
    row = page.locator("[data-session]").first.element_handle()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    settle(page)
    assert row.evaluate("row => row.isConnected"), "skipping to the content is no reason to read the page again"
    page.keyboard.press("Tab")
    expect(page.locator("#q")).to_be_focused()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"

    page.locator("[data-session] a").first.focus()
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_be_visible()
    page.wait_for_url("**/sessions/*-*")


def test_each_page_has_a_title_of_its_own(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """It is shown in the list of tabs and in the history."""
    page = open_page(dashboard, visits, f"/sessions/{SESSION}", session)
    titles = [page.title()]
    for name in ("Overview", "Sessions", "Team", "Trust"):
        page.locator("nav").get_by_role("link", name=name, exact=True).click()
        expect(page).not_to_have_title(titles[-1])
        titles.append(page.title())

    assert len(set(titles)) == len(titles)
