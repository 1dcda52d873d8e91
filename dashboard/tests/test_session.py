"""The page of one session: headline, timeline, events, tree, usage, analysis, history; an active one is followed."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from schemas.times import instant
from tests.support.rigs.dashboard import Dashboard, Visits, number, settle, show_view

LIVE_ORG = "browser-live"


@pytest.fixture(scope="module")
def longest(dashboard: Dashboard) -> dict[str, Any]:
    """Return the session that has everything."""
    return dashboard.longest


@pytest.fixture(scope="module")
def opened(dashboard: Dashboard, long_visits: Visits, longest: dict[str, Any]) -> Page:
    """Return the page of that session; each test chooses a view."""
    return open_session(dashboard, long_visits, longest["id"])


@pytest.fixture
def live(dashboard: Dashboard) -> Iterator[httpx.Client]:
    """Return a client of a separate org, in which tests may write."""
    with dashboard.installation.client(org=LIVE_ORG) as client:
        client.base_url = httpx.URL(f"{dashboard.url}/api/v1/{LIVE_ORG}/")
        yield client


def send(live: httpx.Client, session: str, *events: tuple[str, dict[str, Any]]) -> str:
    """Send events a millisecond apart, and wait until they can be read; return their position."""
    now = round(time.time() * 1000)
    body = [
        {"event_type": kind, "timestamp": instant(now + at), "data": data} for at, (kind, data) in enumerate(events)
    ]
    reply = live.post(f"observability/sessions/{session}/events", json={"events": body})
    assert reply.status_code == httpx.codes.ACCEPTED, reply.text
    position: str = reply.json()["meta"]["position"]
    live.get(f"sessions/{session}", headers={"X-Wait-For-Position": position}).raise_for_status()
    return position


def create(live: httpx.Client, **fields: Any) -> str:
    """Create a session and return its id."""
    reply = live.post("sessions", json={"external_id": str(uuid.uuid4()), **fields})
    assert reply.status_code == httpx.codes.CREATED, reply.text
    session: str = reply.json()["data"]["id"]
    return session


def open_session(dashboard: Dashboard, visits: Visits, session: str, view: str = "timeline") -> Page:
    return visits.open(dashboard.link(f"/sessions/{session}?view={view}"))


def test_the_headline_has_the_numbers_of_the_api(opened: Page, longest: dict[str, Any]) -> None:
    """It also says where the cost comes from."""
    sums, counts, work = longest["model_metrics"], longest["counts"], longest["work"]
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    expected = {
        "cost_usd": sums["cost_usd"],
        "tokens": sum(sums[kind] for kind in kinds),
        "duration_seconds": longest["duration_seconds"],
        **{name: counts[name] for name in ("prompts", "tool_calls", "subagents", "events")},
        "lines": work["lines_added"] + work["lines_removed"],
        "commits": work["commits"],
    }

    assert {name: number(opened, f'[data-number="{name}"]') for name in expected} == expected
    words = {"reported": "as the client reported it", "priced": "tokens times the price list"}
    expect(opened.locator(".headline")).to_contain_text(words[longest["models"][0]["cost_source"]])
    for name in ("repo", "branch", "agent_name", "user_id"):
        expect(opened.locator(".headline")).to_contain_text(longest[name])


def test_a_cost_that_may_be_more_says_so(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """A killed client reported only what it had written so far."""
    own_id = str(uuid.uuid4())
    models = [{"model": "claude-sonnet-4-5", "output_tokens": 7}]
    report = {"session_id": own_id, "model_metrics": {"models": models}, "incomplete": True}
    sent = live.post("hooks/claude-code", json={"reports": [report]})
    waited = {"X-Wait-For-Position": sent.headers["X-Log-Position"]}
    (session,) = live.get("sessions", params={"external_id": f"claude-code:{own_id}"}, headers=waited).json()["data"]

    page = visits.open(dashboard.link(f"/sessions/{session['id']}", token=dashboard.token(org=LIVE_ORG)))

    expect(page.locator(".headline .source")).to_contain_text("some of it may be missing")


def test_the_timeline_has_a_turn_for_each_prompt_and_every_tool(
    dashboard: Dashboard, opened: Page, longest: dict[str, Any]
) -> None:
    """There is also a lane for each subagent."""
    show_view(opened, "Timeline")
    prompts = dashboard.api(f"/sessions/{longest['id']}/events", event_type="UserPromptSubmit", per_page=1000)["data"]
    first = min(prompts, key=lambda event: event["timestamp"])

    opened.locator(".turn").first.wait_for()

    texts = opened.locator(".turn-text").all_inner_texts()
    assert len([text for text in texts if text != "Before the first prompt"]) == longest["counts"]["prompts"]
    assert first["data"]["prompt"] in texts
    bars = opened.locator(".bar-tool").count()
    assert bars == longest["counts"]["tool_calls"]
    failed = opened.locator(".bar-tool.failed").count()
    assert failed == longest["counts"]["tool_errors"]
    hierarchy = dashboard.api(f"/sessions/{longest['id']}/hierarchy", include="tools")["data"]["run"]
    own = next(each for each in hierarchy["conversations"] if each["id"] == longest["id"])
    with_tools = {node["name"] for node in flatten(own["tasks"]) if node["kind"] == "subagent" and node["children"]}
    assert {name for name in opened.locator(".lane-name").all_inner_texts() if name} == with_tools


def flatten(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from flatten(node["children"])


def test_all_events_can_be_reached_by_scrolling(dashboard: Dashboard, visits: Visits, longest: dict[str, Any]) -> None:
    """They are in the order of the log, each once; the document contains only visible rows."""
    page = open_session(dashboard, visits, longest["id"], "events")
    rows = page.locator('[data-list="events"] [role=option]')
    rows.first.wait_for()
    scroller = page.locator('[data-list="events"]')
    total = str(longest["counts"]["events"])

    while page.get_by_test_id("events-state").get_attribute("data-value") != total:
        read = page.get_by_test_id("events-state").get_attribute("data-value")
        scroller.evaluate("list => { list.scrollTop = list.scrollHeight }")
        expect(page.get_by_test_id("events-state")).not_to_have_attribute("data-value", str(read))
        assert rows.count() < 100

    scroller.evaluate("list => { list.scrollTop = list.scrollHeight }")
    last = page.locator(f'[aria-posinset="{total}"]')
    expect(last).to_contain_text("SessionEnd" if longest["status"] == "ended" else "")


def test_a_payload_is_shown_as_it_was_sent(dashboard: Dashboard, visits: Visits, longest: dict[str, Any]) -> None:
    """With the keyboard: down to the second row, Enter, Escape."""
    page = open_session(dashboard, visits, longest["id"], "events")
    page.locator('[data-list="events"] [role=option]').first.wait_for()
    second = dashboard.api(f"/sessions/{longest['id']}/events", per_page=2)["data"][1]

    page.locator('[data-list="events"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    text = page.get_by_test_id("dialog-text")
    expect(text).to_be_visible()
    assert json.loads(text.inner_text()) == second["data"]
    expect(page.get_by_role("dialog")).to_contain_text(f"position {second['position']}")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(("has_clipboard", "said"), [(True, "Copied"), (False, "Not copied")])
def test_a_payload_is_copied(
    dashboard: Dashboard, visits: Visits, longest: dict[str, Any], has_clipboard: bool, said: str
) -> None:
    """The button says whether it worked; over plain HTTP a page has no clipboard."""
    link = dashboard.link(f"/sessions/{longest['id']}?view=events")
    page = visits.open_apart(link, permissions=["clipboard-read", "clipboard-write"])
    if not has_clipboard:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator('[data-list="events"] [role=option]').first.click()
    text = page.get_by_test_id("dialog-text").inner_text()

    page.get_by_role("button", name="Copy", exact=True).click()

    expect(page.get_by_role("dialog").get_by_role("button", name=said, exact=True)).to_be_visible()
    if has_clipboard:
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_filters_of_events(dashboard: Dashboard, visits: Visits, longest: dict[str, Any]) -> None:
    """The filter by tool is in the address."""
    page = open_session(dashboard, visits, longest["id"], "events")
    page.get_by_label("Tool", exact=True).select_option("Bash")
    page.wait_for_url(re.compile("tool_name=Bash"))
    settle(page)
    page.locator('[data-list="events"] [role=option]').first.wait_for()
    first = dashboard.api(f"/sessions/{longest['id']}/events", tool_name="Bash", per_page=1)["data"][0]

    expect(page.locator('[aria-posinset="1"]')).to_contain_text(first["event_type"])
    tools = page.locator(".event-tool").all_inner_texts()
    assert {text.split(" ")[0] for text in tools} == {"Bash"}


def test_the_tree_has_what_started_what(opened: Page) -> None:
    """A subagent is shown under the tool that started it, and its tools under the subagent."""
    show_view(opened, "Tree")
    agent = opened.locator(".tree summary", has_text="tool Agent").first
    agent.click()

    below = agent.locator("xpath=..").locator(".kind")

    expect(below.nth(1)).to_have_text("subagent")
    expect(below.nth(2)).to_have_text("tool")


def test_usage_adds_up(opened: Page, longest: dict[str, Any]) -> None:
    """Models add up to the cost, and tools to the calls."""
    show_view(opened, "Usage")
    costs = opened.locator('[data-table="usage-models"] td[data-key="cost_usd"]')
    costs.first.wait_for()
    calls = opened.locator('[data-table="usage-tools"] td[data-key="calls"]')
    raw = "cells => cells.map(cell => Number(cell.dataset.value)).reduce((a, b) => a + b, 0)"

    assert costs.evaluate_all(raw) == pytest.approx(longest["model_metrics"]["cost_usd"], abs=1e-9)
    assert calls.evaluate_all(raw) == longest["counts"]["tool_calls"]


def test_the_analysis(dashboard: Dashboard, opened: Page, longest: dict[str, Any]) -> None:
    """The view shows the findings of the API."""
    findings = dashboard.api(f"/sessions/{longest['id']}/analysis")["data"]["findings"]
    show_view(opened, "Analysis")

    for each in findings["files_edited"][:3]:
        expect(opened.locator('[data-table="files-edited"]')).to_contain_text(each["path"])
    split = opened.locator('[data-table="time-split"] td[data-key="ms"]')
    assert split.evaluate_all("cells => cells.map(cell => Number(cell.dataset.value))") == [
        findings["time_split"][name] for name in ("model_ms", "tools_ms", "waiting_for_user_ms", "idle_ms")
    ]


def test_copy_as_context(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """If there is no digest, the page requests one, and copies it."""
    session = create(live, title="To be copied")
    send(
        live,
        session,
        ("UserPromptSubmit", {"prompt": "Mend the gate"}),
        ("Stop", {"last_assistant_message": "Mended."}),
    )
    address = f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}"
    page = visits.open_apart(address, permissions=["clipboard-read", "clipboard-write"])

    page.get_by_test_id("copy-context").click()
    expect(page.get_by_test_id("copy-context")).to_contain_text("Copied")

    digest = live.get(f"sessions/{session}/compactions").json()["data"][0]["digest"]
    assert page.evaluate("navigator.clipboard.readText()") == digest
    assert "Mend the gate" in digest

    send(live, session, ("UserPromptSubmit", {"prompt": "And the fence"}))
    expect(page.locator('[data-number="prompts"]')).to_have_attribute("data-value", "2")
    expect(page.get_by_test_id("copy-context")).to_contain_text("Copied")


def test_an_active_session_is_followed_until_it_ends(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """New turns appear by themselves; after the end the page stops asking."""
    session = create(live, title="Live")
    send(live, session, ("UserPromptSubmit", {"prompt": "first"}))
    page = visits.open(f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}")
    expect(page.locator(".turn-text")).to_have_text(["first"])
    expect(page.locator(".headline")).to_contain_text("active")

    tool = {"tool_name": "Bash", "tool_use_id": "toolu_1", "tool_input": {"command": "ls"}}
    send(live, session, ("UserPromptSubmit", {"prompt": "second"}), ("PreToolUse", tool), ("PostToolUse", tool))

    expect(page.locator(".turn-text")).to_have_text(["first", "second"])
    expect(page.locator(".bar-tool")).to_have_count(1)

    live.post(f"sessions/{session}/end", json={"outcome": "success"}).raise_for_status()
    expect(page.locator(".headline")).to_contain_text("success")
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if "/static/" not in request.url else None)
    page.evaluate("dispatchEvent(new Event('online'))")  # ends the pause before the next read
    page.evaluate("fetch('/livez').then(() => null)")
    assert calls == [f"{dashboard.url}/livez"]


def test_a_view_that_could_not_be_read_is_read_again(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """If the last change of a session comes during an outage, the view shows it once the store is back."""
    visits.failed_loads_are_fine = True
    session = create(live)
    send(live, session, ("UserPromptSubmit", {"prompt": "first"}))
    page = visits.open(f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}")
    expect(page.locator(".turn-text")).to_have_text(["first"])

    page.route("**/hierarchy*", lambda route: route.fulfill(status=503, body="{}"))
    send(live, session, ("UserPromptSubmit", {"prompt": "second"}))
    live.post(f"sessions/{session}/end", json={"outcome": "success"}).raise_for_status()
    expect(page.locator(".headline")).to_contain_text("success")
    expect(page.get_by_test_id("problem")).to_be_visible()
    page.unroute("**/hierarchy*")

    expect(page.locator(".turn-text")).to_have_text(["first", "second"])


def test_events_of_an_active_session_are_appended(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """Each appears once, at the end of the list."""
    session = create(live)
    send(live, session, *[("Notification", {"message": f"note {n}"}) for n in range(3)])
    page = visits.open(f"{dashboard.url}/sessions/{session}?view=events#token={dashboard.token(org=LIVE_ORG)}")
    expect(page.locator("[role=option]")).to_have_count(3)

    send(live, session, *[("Notification", {"message": f"note {n}"}) for n in range(3, 5)])

    expect(page.locator(".event-line")).to_have_text([f"note {n}" for n in range(5)])


def test_history_shows_what_was_known_at_each_record(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """Back and forth, one change of the session at a time, whatever other sessions wrote in between."""
    session, other = create(live, title="One"), create(live)
    positions = []
    for title in ("Two", "Three", "Four"):
        send(live, other, ("Notification", {"message": title}))
        reply = live.patch(f"sessions/{session}", json={"title": title})
        positions.append(reply.json()["meta"]["position"])
    live.get(f"sessions/{session}", headers={"X-Wait-For-Position": positions[-1]}).raise_for_status()
    page = visits.open(f"{dashboard.url}/sessions/{session}?view=history#token={dashboard.token(org=LIVE_ORG)}")
    as_of = page.get_by_test_id("as-of")
    expect(as_of).to_have_attribute("data-position", positions[2])
    then = page.locator('[data-table="as-of"] td[data-key="then"]')

    for position, title in ((positions[1], "Three"), (positions[0], "Two")):
        page.get_by_role("button", name="Earlier").click()
        expect(as_of).to_have_attribute("data-position", position)
        expect(then.first).to_have_text(title)
    page.get_by_role("button", name="Later").click()
    expect(as_of).to_have_attribute("data-position", positions[1])

    page.get_by_role("button", name="Show the receipt").click()
    expect(page.get_by_test_id("receipt")).to_contain_text("projected")


def test_an_unknown_session(dashboard: Dashboard, visits: Visits) -> None:
    """The page says that it does not exist, or belongs to another user."""
    visits.failed_loads_are_fine = True
    page = open_session(dashboard, visits, "00000000-0000-4000-8000-000000000000")

    expect(page.get_by_test_id("failure")).to_contain_text("does not exist")


def test_a_sensitive_session_has_no_content(dashboard: Dashboard, visits: Visits) -> None:
    """The page also says why."""
    sessions = [session for page in (1, 2) for session in dashboard.api("/sessions", per_page=100, page=page)["data"]]
    sensitive = next(session for session in sessions if session["sensitive"])
    page = open_session(dashboard, visits, sensitive["id"])

    expect(page.locator("h1")).to_contain_text("Sensitive session")
    expect(page.get_by_test_id("copy-context")).to_have_count(0)
    expect(page.locator(".turn-text").first).to_have_text("(a prompt without its text)")
