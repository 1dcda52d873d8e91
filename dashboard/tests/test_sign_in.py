"""Signing in by link or form; expiry, roles, and where tokens are stored."""

import re

import pytest
from playwright.sync_api import Page, expect

from schemas.permissions import OPERATOR_ORG, Role
from tests.support.rigs.dashboard import Dashboard, Visits, number, show_tool_errors


def requests_of(page: Page) -> list[str]:
    """Return the list to which the page's API calls are added."""
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if "/api/" in request.url else None)
    return calls


def test_a_link_signs_in_and_leaves_no_token_in_the_address(dashboard: Dashboard, visits: Visits) -> None:
    """Nor is it in the history, in a cookie or in storage that outlives the tab."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    expect(page.locator("[data-session]").first).to_be_visible()

    assert page.url == f"{dashboard.url}/sessions?range=30d"
    assert page.context.cookies() == []
    assert page.evaluate("Object.values(localStorage).join()") == ""
    assert page.evaluate("sessionStorage.getItem('crewkit.token')") is not None


def test_the_link_that_is_printed(dashboard: Dashboard, visits: Visits) -> None:
    """`up` prints a link that opens every page, once. The second time the page says what to do, and still signs in."""
    visits.failed_loads_are_fine = True
    printed = (dashboard.installation.data / "up.out").read_text()
    link = re.search(r"http://\S+/#code=\S{22}", printed)
    assert link is not None

    page = visits.open(link[0])
    number(page, '[data-kpi="cost"]')
    assert page.url == f"{dashboard.url}/"
    page.get_by_role("link", name="Trust", exact=True).click()
    expect(page.get_by_text("Dead letters").first).to_be_visible()
    page.close()  # otherwise the next page gets the token from this one

    again = visits.open(link[0])
    expect(again.get_by_text("used before, has expired, or is from before a restart")).to_be_visible()
    assert again.url == f"{dashboard.url}/"
    again.get_by_label("Token").fill(dashboard.token())
    again.get_by_role("button", name="Sign in").click()
    number(again, '[data-kpi="cost"]')


def test_a_link_of_someone_else_is_refused_by_default(dashboard: Dashboard, visits: Visits) -> None:
    """The reader is asked, with both names, and stays signed in; neither address nor history has a token."""
    page = visits.open(dashboard.link("/"))
    number(page, '[data-kpi="cost"]')
    entries = page.evaluate("history.length")

    page.goto(dashboard.link("/sessions", token=dashboard.token(user="mallory", org="evil")))
    dialog = page.get_by_role("dialog", name="Sign in as someone else?")
    expect(dialog).to_contain_text("You are signed in as alice, admin of acme.")
    expect(dialog).to_contain_text("This link signs you in as mallory, admin of evil.")
    expect(dialog.get_by_role("button", name="Stay")).to_be_focused()
    assert page.url == f"{dashboard.url}/sessions"
    page.keyboard.press("Enter")

    expect(page.get_by_label("Signed in as alice")).to_be_visible()
    expect(page.locator("[data-session]").first).to_be_visible()
    assert "mallory" not in page.evaluate("atob(sessionStorage.getItem('crewkit.token').split('.')[1])")
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    assert page.url == f"{dashboard.url}/"


def test_a_link_of_someone_else_is_taken_after_consent(dashboard: Dashboard, visits: Visits) -> None:
    """This also holds on an open page, where only the fragment changes; Escape means stay."""
    page = visits.open(dashboard.link("/sessions"))
    expect(page.locator("[data-session]").first).to_be_visible()
    switch = f"location.hash = 'token={dashboard.token('member', 'bao')}'"
    dialog = page.get_by_role("dialog")

    page.evaluate(switch)
    expect(dialog).to_contain_text("bao, member of acme")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Signed in as alice")).to_be_visible()

    page.evaluate(switch)
    dialog.get_by_role("button", name="Switch").click()

    expect(page.get_by_label("Signed in as bao")).to_be_visible()
    assert page.url == f"{dashboard.url}/sessions"


def test_another_operators_link_asks_as_well(dashboard: Dashboard, visits: Visits) -> None:
    """A link is accepted completely or not at all: if the reader stays, its org token is not used either."""
    page = visits.open(dashboard.link("/", operator=dashboard.operator_token()))
    expect(page.get_by_text("Dead letters").first).to_be_visible()
    other = dashboard.token("operator", "mallory", OPERATOR_ORG)

    page.goto(dashboard.link("/trust?again", operator=other, token=dashboard.token()))
    page.get_by_role("dialog").get_by_role("button", name="Stay").click()

    expect(page.get_by_label("Signed in as demo")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('crewkit.token')") is None


def test_ones_own_newer_link_is_taken_without_a_question(dashboard: Dashboard, visits: Visits) -> None:
    """An invalid one ends no session."""
    page = visits.open(dashboard.link("/sessions"))
    expect(page.locator("[data-session]").first).to_be_visible()
    newer = dashboard.token(ttl_s=7_200)

    page.goto(dashboard.link("/sessions?range=30d", token=newer))
    expect(page.locator("[data-session]").first).to_be_visible()
    for useless in (dashboard.token(ttl_s=-10), "no-token"):
        page.goto(dashboard.link("/sessions?range=7d", token=useless))
        expect(page.locator("[data-session]").first).to_be_visible()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("sessionStorage.getItem('crewkit.token')") == newer


def test_the_form(dashboard: Dashboard, visits: Visits) -> None:
    """It refuses text that isn't a token, and keeps the address."""
    page = visits.open(f"{dashboard.url}/sessions?range=30d&sort=-cost_usd")
    field = page.get_by_label("Token")
    field.fill("not a token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").get_by_text("This is not a token")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")

    field.fill(dashboard.token())
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("[data-session]").first).to_be_visible()
    assert page.url.endswith("/sessions?range=30d&sort=-cost_usd")


def test_a_token_with_another_signature_is_refused(dashboard: Dashboard, visits: Visits) -> None:
    """The server says so; the page asks again."""
    visits.failed_loads_are_fine = True
    head, payload, signature = dashboard.token().split(".")
    forged = ".".join((head, payload, signature[::-1]))

    page = visits.open(f"{dashboard.url}/#token={forged}")

    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.get_by_text("does not accept your token")).to_be_visible()


def test_expiry_while_the_page_is_open(dashboard: Dashboard, visits: Visits) -> None:
    """The next read asks for a token, and the page continues where it was."""
    page = visits.open(dashboard.link("/sessions?range=30d"))
    expect(page.locator("[data-session]").first).to_be_visible()
    page.evaluate("token => sessionStorage.setItem('crewkit.token', token)", dashboard.token(ttl_s=-10))

    page.get_by_role("link", name="Team").click()

    expect(page.get_by_label("Token")).to_be_visible()
    page.get_by_label("Token").fill(dashboard.token())
    page.get_by_role("button", name="Sign in").click()
    number(page, '[data-kpi="users"]')


def test_an_expired_link(dashboard: Dashboard, visits: Visits) -> None:
    """The page asks for a token, without an API call."""
    page = visits.open(f"{dashboard.url}/#token={dashboard.token(ttl_s=-10)}")

    expect(page.get_by_label("Token")).to_be_visible()
    expect(page.get_by_text("The link's token has expired.")).to_be_visible()


def test_a_link_that_was_cut(dashboard: Dashboard, visits: Visits) -> None:
    """The page says so above the form."""
    page = visits.open(f"{dashboard.url}/#token={dashboard.token()[:60]}")

    expect(page.get_by_text("The link's token can't be read")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_visible()


def test_another_tab_is_signed_in_without_asking(dashboard: Dashboard, visits: Visits) -> None:
    """A link without a token opens where it points; the operator's token stays in its tab, and sign-out reaches all."""
    operator = dashboard.operator_token()
    first = visits.open(dashboard.link("/sessions", token=dashboard.token(), operator=operator))
    session = first.locator("[data-session] a").first.get_attribute("href")

    second = visits.open(f"{dashboard.url}{session}")
    expect(second.get_by_label("Signed in as alice")).to_be_visible()
    expect(second.locator(".headline")).to_be_visible()
    assert second.evaluate("sessionStorage.getItem('crewkit.operator')") is None

    second.get_by_label("Signed in as alice").click()
    second.get_by_role("button", name="Sign out").click()
    for page in (first, second):
        expect(page.get_by_label("Token")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0

    first.get_by_label("Token").fill(dashboard.token())
    first.get_by_role("button", name="Sign in").click()
    expect(second.locator(".headline")).to_be_visible()


def test_another_tab_of_an_operator_alone_asks(dashboard: Dashboard, visits: Visits) -> None:
    """An operator's tab takes no org's token either: it would change what it shows."""
    operator = visits.open(dashboard.link("/trust", operator=dashboard.operator_token()))
    expect(operator.get_by_text("Dead letters").first).to_be_visible()

    form = visits.open(dashboard.url)
    form.get_by_label("Token").fill(dashboard.token())
    form.get_by_role("button", name="Sign in").click()
    expect(form.get_by_label("Signed in as alice")).to_be_visible()

    assert operator.evaluate("sessionStorage.getItem('crewkit.token')") is None


def test_signing_out(dashboard: Dashboard, visits: Visits) -> None:
    """The tab forgets the token."""
    page = visits.open(dashboard.link("/sessions"))
    page.get_by_label("Signed in as alice").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_label("Token")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("role", ["viewer", pytest.param("member", marks=pytest.mark.part("browser"))])
def test_who_sees_only_their_own_asks_for_nothing_else(dashboard: Dashboard, visits: Visits, role: Role) -> None:
    """No call is refused, no forbidden page is offered, and no user names appear."""
    page = visits.open(dashboard.link("/?range=30d", token=dashboard.token(role, "bao")))
    calls = requests_of(page)
    number(page, '[data-kpi="cost"]')
    expect(show_tool_errors(page)).to_be_visible()

    assert page.locator("nav").get_by_role("link").all_inner_texts() == ["Overview", "Sessions", "Trust"]
    assert page.locator("#filter-user_id").count() == 0
    for name in {session.user_id for session in dashboard.sent} - {"bao"}:
        expect(page.get_by_text(name, exact=True)).to_have_count(0)

    page.get_by_role("link", name="Sessions", exact=True).first.click()
    expect(page.locator("[data-session]").first).to_be_visible()
    own = dashboard.api("/sessions", role, "bao")["meta"]["total_count"]
    expect(page.get_by_test_id("found")).to_have_attribute("data-value", str(own))
    assert not [call for call in calls if "by-user" in call or "recount" in call]


def test_a_manager_has_the_team_but_no_recount(dashboard: Dashboard, visits: Visits) -> None:
    """Actions that the role doesn't allow are not offered."""
    page = visits.open(dashboard.link("/trust", token=dashboard.token("manager")))
    expect(page.get_by_role("link", name="Team")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Recount"))).to_have_count(0)


def test_an_operator_alone_sees_trust_alone(dashboard: Dashboard, visits: Visits) -> None:
    """An operator's token opens no org."""
    page = visits.open(dashboard.link("/", operator=dashboard.operator_token()))
    calls = requests_of(page)

    expect(page.get_by_text("Dead letters").first).to_be_visible()
    assert page.locator("nav").get_by_role("link").all_inner_texts() == ["Trust"]
    assert all("/operator/" in call for call in calls)


def test_an_agents_token_is_refused(dashboard: Dashboard, visits: Visits) -> None:
    """It may write, but not read."""
    page = visits.open(dashboard.url)
    page.get_by_label("Token").fill(dashboard.token("agent"))
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_text("belongs to an agent")).to_be_visible()
