"""The page of one session: its headline and its views; an active one is followed."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
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
    expect(page.get_by_test_id("no-turn-costs")).to_contain_text("sends totals only")


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
    page = open_session(dashboard, visits, longest["id"], "events&rows=each")
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
    """With the keyboard: down to the second row, Enter, J for the next one, Escape."""
    page = open_session(dashboard, visits, longest["id"], "events&rows=each")
    page.locator('[data-list="events"] [role=option]').first.wait_for()
    _, second, third = dashboard.api(f"/sessions/{longest['id']}/events", per_page=3)["data"]

    page.locator('[data-list="events"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    panel, text = page.get_by_test_id("side-panel"), page.get_by_test_id("payload")
    expect(panel).to_contain_text(f"position {second['position']}")
    assert json.loads(text.inner_text()) == second["data"]
    page.keyboard.press("j")
    expect(panel).to_contain_text(f"position {third['position']}")
    expect(page.locator('[aria-posinset="3"]')).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator('[data-list="events"]')).to_be_focused()


@pytest.mark.parametrize(("has_clipboard", "said"), [(True, "Copied"), (False, "Not copied")])
def test_a_payload_is_copied(
    dashboard: Dashboard, visits: Visits, longest: dict[str, Any], has_clipboard: bool, said: str
) -> None:
    """The button says whether it worked; over plain HTTP a page has no clipboard."""
    link = dashboard.link(f"/sessions/{longest['id']}?view=events&rows=each")
    page = visits.open_apart(link, permissions=["clipboard-read", "clipboard-write"])
    if not has_clipboard:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator('[data-list="events"] [role=option]').first.click()
    text = page.get_by_test_id("payload").inner_text()

    page.get_by_role("button", name="Copy", exact=True).click()

    expect(page.get_by_test_id("side-panel").get_by_role("button", name=said, exact=True)).to_be_visible()
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

    expect(page.locator('[aria-posinset="1"]')).to_contain_text(first["data"]["tool_input"]["command"].split("\n")[0])
    assert all("Bash" in text for text in page.locator("[role=option]").all_inner_texts())


def test_a_bookmark_of_the_former_tree(dashboard: Dashboard, visits: Visits, longest: dict[str, Any]) -> None:
    """The conversation has what it had."""
    page = open_session(dashboard, visits, longest["id"], "tree")

    expect(page.locator(".story .agent").first).to_be_visible()


def test_usage_adds_up(opened: Page, longest: dict[str, Any]) -> None:
    """Models add up to the cost, and tools to the calls."""
    show_view(opened, "Usage")
    costs = opened.locator('[data-table="usage-models"] td[data-key="cost_usd"]')
    costs.first.wait_for()
    calls = opened.locator('[data-table="usage-tools"] td[data-key="calls"]')
    raw = "cells => cells.map(cell => Number(cell.dataset.value)).reduce((a, b) => a + b, 0)"

    assert costs.evaluate_all(raw) == pytest.approx(longest["model_metrics"]["cost_usd"], abs=1e-9)
    assert calls.evaluate_all(raw) == longest["counts"]["tool_calls"]


def test_usage_says_what_each_turn_and_tool_cost(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """And what is not explained, and which prices apply."""
    session = create(live, title="To be paid")
    send(
        live,
        session,
        ("UserPromptSubmit", {"prompt": "Mend the gate"}),
        ("ApiRequest", {"model": "who-knows", "input_tokens": 40, "cache_read_tokens": 60, "cost_usd": 0.25}),
        ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "t1"}),
    )
    report = {"model_metrics": {"model": "who-knows", "input_tokens": 50, "cache_read_tokens": 60}}
    live.patch(f"sessions/{session}", json=report).raise_for_status()
    page = visits.open(f"{dashboard.url}/sessions/{session}?view=usage#token={dashboard.token(org=LIVE_ORG)}")

    expect(page.locator('[data-number="cache_hit_rate"]')).to_have_text("54.5 %")
    for name, explained in (("turns", "Mend the gate"), ("tools", "Bash"), ("agents", "main agent")):
        rows = page.locator(f'[data-table="spend-{name}"] tbody tr')
        expect(rows.filter(has_text=explained).locator('[data-key="tokens"]')).to_have_attribute("data-value", "100")
        expect(rows.filter(has_text="not explained").locator('[data-key="cost_usd"]')).to_have_text("−$0.25")
    page.get_by_text("The price list").click()
    expect(page.locator('[data-table="unpriced"]')).to_contain_text("who-knows")
    expect(page.locator('[data-table="prices"]')).to_contain_text("with the installation")
    show_view(page, "Timeline")
    facts = page.locator(".turn", has_text="Mend the gate").locator(".turn-facts")
    expect(facts).to_contain_text("1 tool ·")
    expect(facts).to_contain_text("100 tokens · $0.25")


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
    page = visits.open(f"{dashboard.url}/sessions/{session}?view=timeline#token={dashboard.token(org=LIVE_ORG)}")
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


STORY: list[tuple[str, dict[str, Any]]] = [
    ("UserPromptSubmit", {"prompt": "Mend the gate"}),
    ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {"command": "make test"}}),
    ("PostToolUseFailure", {"tool_name": "Bash", "tool_use_id": "t1", "error": "Exit code 2\nno rule"}),
    (
        "PostToolUse",
        {
            "tool_name": "Edit",
            "tool_use_id": "t2",
            "tool_input": {"file_path": "gate.py", "old_string": "a\nb\nc", "new_string": "a\nB\nc"},
        },
    ),
    ("SubagentStart", {"agent_id": "a1", "agent_type": "Explore"}),
    ("PreToolUse", {"tool_name": "Read", "tool_use_id": "t3", "agent_id": "a1", "tool_input": {"file_path": "x.py"}}),
    ("SubagentStop", {"agent_id": "a1", "last_assistant_message": "It is in x.py"}),
    ("Stop", {"last_assistant_message": "Mended."}),
]


def test_the_conversation_reads_as_it_went(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """Tools are folded with their argument, edits are diffs, errors are red where they happened, subagents inside."""
    session = create(live, title="A story")
    send(live, session, *STORY)
    page = visits.open(f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}")

    expect(page.locator(".prompt")).to_have_text(["Mend the gate"])
    expect(page.locator(".use:not(.agent) > summary")).to_contain_text(
        ["Bash" + "make test" + "failed", "Edit" + "gate.py"]
    )
    expect(page.locator(".use-error")).to_have_text(["Exit code 2 …"])
    page.locator(".use > summary", has_text="Edit").click()
    expect(page.locator(".diff del")).to_have_text(["− b"])
    expect(page.locator(".diff ins")).to_have_text(["+ B"])
    page.locator(".agent > summary", has_text="Explore").click()
    expect(page.locator(".agent .use")).to_contain_text(["x.py"])
    expect(page.locator(".answer")).to_have_text(["It is in x.py", "Mended."])

    send(live, session, ("UserPromptSubmit", {"prompt": "And the fence"}))
    expect(page.locator(".prompt")).to_have_text(["Mend the gate", "And the fence"])
    expect(page.locator(".diff del")).to_be_visible()  # what was open stays open


def test_a_hit_leads_to_its_turn(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """A search beyond the range, the hits with their kind, and the turn of a hit, scrolled to, with the word marked."""
    attack = "<img src=x onerror='window.pwned = true'> quokkas"
    session = create(live, title="An old one", started_at="2026-01-20T10:00:00Z")
    turns = [("UserPromptSubmit", {"prompt": f"Number {number}\n" * 3}) for number in range(60)]
    send(live, session, *turns, *STORY, ("Stop", {"last_assistant_message": attack}), *turns)
    page = visits.open(dashboard.link("/sessions?q=quokkas", token=dashboard.token(org=LIVE_ORG)))
    expect(page.get_by_test_id("found")).to_have_attribute("data-value", "0")

    page.get_by_role("link", name="Search all time (1)").click()
    hit = page.locator(f'[data-session="{session}"] a.hit')
    expect(hit).to_have_text(f"answer: {attack}")
    hit.click()

    turn = page.locator(".turn[data-target]")
    expect(turn).to_be_in_viewport()
    expect(turn.locator(".prompt")).to_have_text("Mend the gate")
    marked = "[...CSS.highlights.get('found')].map((it) => it.startContainer.data.slice(it.startOffset, it.endOffset))"
    assert page.evaluate(marked) == ["quokkas"]
    expect(turn.locator(".answer").last).to_have_text(attack)
    assert page.evaluate("window.pwned") is None


def test_the_whole_conversation_of_a_long_session_is_read_by_scrolling(
    dashboard: Dashboard, visits: Visits, longest: dict[str, Any]
) -> None:
    """All prompts and tool uses that the session counts are there in the end."""
    page = open_session(dashboard, visits, longest["id"], "conversation")
    page.locator(".story[data-read]").wait_for()
    while page.locator(".story").get_attribute("data-read") == "part":
        page.get_by_test_id("story-state").scroll_into_view_if_needed()
        page.wait_for_timeout(50)

    expect(page.locator(".prompt")).to_have_count(longest["counts"]["prompts"])
    facts = " ".join(page.locator(".story .turn-facts").all_text_contents())
    uses = sum(int(number.replace(",", "")) for number in re.findall(r"([\d,]+) tool uses?", facts))
    assert uses == longest["counts"]["tool_calls"]


def test_an_update_of_a_conversation_draws_only_what_is_new(
    dashboard: Dashboard, visits: Visits, live: httpx.Client
) -> None:
    """Turns that did not change keep their elements, and the last one keeps its items."""
    session = create(live, title="Many turns")
    send(live, session, *STORY, *[event for event in STORY if "tool_use_id" not in event[1]])
    page = visits.open(f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}")
    expect(page.locator(".prompt")).to_have_count(2)
    page.evaluate("""() => {
      window.added = [];
      new MutationObserver((changes) => {
        for (const node of changes.flatMap((change) => [...change.addedNodes])) window.added.push(node.className);
      }).observe(document.querySelector(".story"), { childList: true, subtree: true });
    }""")

    send(live, session, ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "t9", "tool_input": {"command": "ls"}}))

    expect(page.locator(".turn").last.locator(".use-line").last).to_have_text("ls")
    # Besides the new use, only the line with the facts of its turn.
    assert [name for name in page.evaluate("window.added") if name] == ["use"]


def test_a_search_in_a_conversation(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """What is found is unfolded and marked, one after the other; Escape folds it again."""
    session = create(live, title="A story")
    send(live, session, *STORY)
    page = visits.open(f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}")
    page.locator(".prompt").wait_for()
    marked = "[...CSS.highlights.get('found-current')].map((range) => range.startContainer.data)"
    found, folded = page.get_by_test_id("found-here"), page.locator(".story details[open]")

    page.get_by_label("Search in this conversation").fill("X.PY")
    expect(found).to_have_text("1 of 2 places")
    expect(page.locator(".agent .use[open]")).to_contain_text('"file_path": "x.py"')
    page.keyboard.press("Enter")
    expect(found).to_have_text("2 of 2 places")
    assert page.evaluate(marked) == ["x.py", '{\n  "file_path": "x.py"\n}']
    page.get_by_role("button", name="Next place").click()
    expect(found).to_have_text("1 of 2 places")

    page.get_by_label("Search in this conversation").press("Escape")
    expect(folded).to_have_count(0)
    expect(found).to_be_empty()
    assert page.evaluate("CSS.highlights.get('found').size") == 0


def test_a_search_says_what_it_has_not_read(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """The rest is read when the reader wants it; what is found in it joins the number."""
    session = create(live, title="Long")
    notes = [("Notification", {"message": f"note {number} " + "\n" * 40}) for number in range(700)]
    send(live, session, ("UserPromptSubmit", {"prompt": "Go"}), *notes)
    page = visits.open(f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}")
    page.locator(".story[data-read]").wait_for()

    page.get_by_label("Search in this conversation").fill("note 699")
    found = page.get_by_test_id("found-here")
    expect(found).to_have_text("Nothing found in the first turn read so far (600 of 701 events)")
    page.get_by_role("button", name="Read all").click()

    expect(found).to_have_text("1 place")
    expect(page.get_by_role("button", name="Read all")).to_be_hidden()


def test_the_keyboard_on_the_timeline(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """Arrows lead from bar to bar, Enter opens the panel, J goes on, Escape gives the focus back."""
    session = create(live, title="A story")
    send(live, session, *STORY)
    address = f"{dashboard.url}/sessions/{session}?view=timeline"
    page = visits.open(f"{address}#token={dashboard.token(org=LIVE_ORG)}")
    bars, panel = page.locator(".bar-tool"), page.get_by_test_id("side-panel")
    failed = page.get_by_role("button", name="Bash · failed · 1 ms")
    failed.wait_for()
    assert page.locator('.bar-tool[tabindex="0"]').count() == 1

    failed.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name=re.compile("^Read · "))).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")

    expect(panel.get_by_role("heading", level=2)).to_have_text("Bash · failed · 1 ms")
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    expect(panel).to_contain_text("no rule")
    assert "use=t1&at=" in page.url
    shared = page.url
    page.keyboard.press("j")
    expect(panel).to_contain_text("Edit")
    expect(panel.locator(".diff del")).to_have_text(["− b"])
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(bars.nth(1)).to_be_focused()
    assert "use=" not in page.url

    page.goto(shared)
    expect(panel).to_contain_text("no rule")
    expect(failed).to_have_attribute("aria-current", "true")
    failed.focus()
    send(live, session, ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "t9"}))
    expect(bars).to_have_count(4)
    expect(failed).to_be_focused()  # its turn was drawn again


def test_the_scales_of_the_timeline(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """On the true scale a turn that took a fourth of the time is a fourth as wide; the choice is in the address."""
    session = create(live, title="Two turns")
    events = [
        {"event_type": kind, "timestamp": instant(1_790_000_000_000 + 1_000 * at), "data": data}
        for at, kind, data in [
            (0, "UserPromptSubmit", {"prompt": "short"}),
            (0, "PreToolUse", {"tool_name": "Read", "tool_use_id": "s"}),
            (10, "PostToolUse", {"tool_name": "Read", "tool_use_id": "s"}),
            (70, "UserPromptSubmit", {"prompt": "long"}),
            (70, "PreToolUse", {"tool_name": "Bash", "tool_use_id": "l"}),
            (110, "PostToolUse", {"tool_name": "Bash", "tool_use_id": "l"}),
        ]
    ]
    reply = live.post(f"observability/sessions/{session}/events", json={"events": events})
    waited = {"X-Wait-For-Position": reply.json()["meta"]["position"]}
    live.get(f"sessions/{session}", headers=waited).raise_for_status()
    page = visits.open(
        f"{dashboard.url}/sessions/{session}?view=timeline#token={dashboard.token(org=LIVE_ORG)}",
    )
    widths = "bars => bars.map((bar) => Number.parseFloat(bar.style.width))"
    bars = page.locator(".bar-tool")
    expect(bars).to_have_count(2)
    assert bars.evaluate_all(widths) == [100, 100]
    expect(page.locator(".gap")).to_have_count(0)

    page.get_by_role("button", name="True", exact=True).click()

    assert bars.evaluate_all(widths) == [25, 100]
    expect(page.get_by_role("button", name="True", exact=True)).to_be_focused()
    expect(page.locator(".gap")).to_have_text(["1 min until the next prompt"])
    page.reload()
    expect(page.locator(".gap")).to_have_count(1)


def test_a_tool_use_is_one_row(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """It has the outcome, and the error in red. The panel has the events, such as a batch that refused the use."""
    session = create(live, title="A story")
    refused = {"tool_name": "Write", "tool_use_id": "t7"}
    batch = {"tool_calls": [{**refused, "tool_response": "<tool_use_error>No such file</tool_use_error>"}]}
    send(live, session, *STORY, ("PreToolUse", refused), ("Notification", {}), ("PostToolBatch", batch))
    page = visits.open(f"{dashboard.url}/sessions/{session}?view=events#token={dashboard.token(org=LIVE_ORG)}")
    rows = page.locator("[role=option]")
    row = rows.filter(has_text="make test")

    expect(rows).to_have_count(len(STORY) - 1 + 2)
    expect(row.locator(".event-tool")).to_have_text("failed · 1 ms")
    expect(row.locator(".event-line .bad")).to_have_text("Exit code 2 …")
    row.click()
    expect(page.locator(".sent > summary")).to_contain_text(["PreToolUse", "PostToolUseFailure"])
    rows.filter(has_text="No such file").click()
    expect(page.locator(".sent > summary")).to_contain_text(["PreToolUse", "PostToolBatch"])
    expect(page.get_by_test_id("side-panel").get_by_role("heading", level=2)).to_have_text("Write · failed")

    page.get_by_role("button", name="Each event").click()
    page.wait_for_url(re.compile("rows=each"))
    expect(rows).to_have_count(len(STORY) + 3)


def test_what_a_reader_takes_along(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """A link, the command that resumes the session, and files with everything that the reader may see."""
    own_id = str(uuid.uuid4())
    session = create(live, title="To take", external_id=f"claude-code:{own_id}")
    send(live, session, ("SessionStart", {"source": "startup"}), *STORY)
    address = f"{dashboard.url}/sessions/{session}#token={dashboard.token(org=LIVE_ORG)}"
    page = visits.open_apart(address, permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{dashboard.url}/sessions/{session}"

    page.get_by_text("Download", exact=True).click()
    files = {}
    for name in ("JSON", "Markdown"):
        with page.expect_download() as saved:
            page.get_by_role("button", name=name).click()
        assert saved.value.suggested_filename.startswith(f"session-{session[:8]}.")
        files[name] = Path(saved.value.path()).read_text()
    whole = json.loads(files["JSON"])
    assert whole["session"] == live.get(f"sessions/{session}").json()["data"]
    assert whole["events"] == live.get(f"sessions/{session}/events").json()["data"]
    for text in ("# To take", "> Mend the gate", "- **Bash** make test (failed)", "Exit code 2 no rule", "Mended."):
        assert text in files["Markdown"]


def test_a_view_that_could_not_be_read_is_read_again(dashboard: Dashboard, visits: Visits, live: httpx.Client) -> None:
    """If the last change of a session comes during an outage, the view shows it once the store is back."""
    visits.failed_loads_are_fine = True
    session = create(live)
    send(live, session, ("UserPromptSubmit", {"prompt": "first"}))
    page = visits.open(f"{dashboard.url}/sessions/{session}?view=timeline#token={dashboard.token(org=LIVE_ORG)}")
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
