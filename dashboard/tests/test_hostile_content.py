"""Text that agents, or others through them, put into names and payloads stays text, wherever it is shown."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from schemas.times import instant
from tests.support.rigs.dashboard import VIEWS, Dashboard, Visits, settle, show_tool_errors, show_view
from tests.support.rigs.installation import eventually_ok

ORG = "hostile"
MARK = "window.pwned = true"
ATTACKS = (
    f"<script>{MARK}</script>",
    f'<img src=x onerror="{MARK}">',
    f'"><svg onload="{MARK}">',
    f"javascript:{MARK}",
    f"</title></style></textarea><iframe srcdoc='<script>parent.{MARK}</script>'>",
    "{{constructor.constructor('window.pwned = true')()}}",
    "<a href='javascript:window.pwned = true' target=_top>click</a><b>bold</b>",
    "\u202egnp.exe\u202c \u2066\u2067 %3Cscript%3E &lt;b&gt; &#60;i&#62;",
)
LARGE = 1_000_000
# Branches are built when they are opened, by a listener that runs a moment later.
OPEN_ALL = """async () => {
  const closed = [...document.querySelectorAll("main details:not([open])")];
  closed.forEach((details) => (details.open = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  return closed.length;
}"""


@pytest.fixture(scope="module")
def session(dashboard: Dashboard) -> str:
    """Return a session in which every text is an attack, with a payload of a megabyte."""
    with dashboard.installation.client(org=ORG, user=ATTACKS[1]) as client:
        client.base_url = httpx.URL(f"{dashboard.url}/api/v1/{ORG}/")
        names = {
            "title": ATTACKS[0], "agent_name": ATTACKS[1], "project_id": ATTACKS[2], "branch": ATTACKS[3],
            "component": ATTACKS[4], "model": ATTACKS[5], "external_id": ATTACKS[6], "repository_id": ATTACKS[7],
            "remote_url": "https://example.com/<script>/x\"onload=y",
        }  # fmt: skip
        created = client.post("sessions", json=names)
        assert created.status_code == httpx.codes.CREATED, created.text
        made: str = created.json()["data"]["id"]
        reply = client.post(f"observability/sessions/{made}/events", json={"events": hostile_events()})
        assert reply.json()["data"]["rejected"] == [], reply.text
        end = {"summary": ATTACKS[4], "outcome": "failure", "model_metrics": {"model": ATTACKS[0], "input_tokens": 5}}
        ended = client.post(f"sessions/{made}/end", json=end)
        wait = {"X-Wait-For-Position": ended.json()["meta"]["position"]}
        eventually_ok(client, "GET", "sessions/analytics/summary", headers=wait)
    return made


def hostile_events() -> list[dict[str, Any]]:
    events: list[tuple[str, dict[str, Any]]] = [("UserPromptSubmit", {"prompt": "\n".join(ATTACKS)})]
    for at, attack in enumerate(ATTACKS):
        call = {"tool_name": attack, "tool_use_id": f"toolu_{at}<b>", "tool_input": {"command": attack}}
        events += [("PreToolUse", call), ("PostToolUseFailure", {**call, "error": attack})]
    agent = {"agent_id": ATTACKS[1], "agent_type": ATTACKS[0]}
    edit = {"tool_name": "Edit", "tool_use_id": "toolu_edit", "tool_input": {"file_path": f"/x/{ATTACKS[1]}"}}
    events += [
        ("SubagentStart", agent),
        ("PreToolUse", {**edit, **agent}),
        ("PostToolUse", {**edit, **agent}),
        ("SubagentStop", agent),
        ("TaskCreated", {"task_id": "1", "task_subject": ATTACKS[2]}),
        ("Weird.Event", {"anything": ATTACKS[0], ATTACKS[1]: ATTACKS[2]}),
        ("Notification", {"message": ATTACKS[0] + "x" * LARGE}),
        ("Stop", {"last_assistant_message": ATTACKS[1]}),
    ]
    begin = 1_790_000_000_000
    return [
        {"event_type": kind, "timestamp": instant(begin + 1_000 * at), "data": data}
        for at, (kind, data) in enumerate(events)
    ]


def check_harmless(page: Page) -> None:
    """Check that nothing ran, nothing became an element, and no link leads to a script."""
    assert page.evaluate("window.pwned") is None
    assert (
        page.locator("main script, main img, main iframe, main b, main svg:not(.sparkline, .icon, .chart svg)").count()
        == 0
    )
    assert page.evaluate("[...document.links].filter(link => !/^https?:/.test(link.protocol)).length") == 0


def link(dashboard: Dashboard, path: str) -> str:
    token = dashboard.token(org=ORG, user=ATTACKS[1])
    return f"{dashboard.url}{path}#token={token}&operator={dashboard.operator_token()}"


@pytest.mark.parametrize(
    "path",
    [
        "/?range=90d",
        "/sessions?range=90d",
        "/team?range=90d",
        *(
            pytest.param(path, marks=pytest.mark.part("browser"))
            for path in ("/?range=90d&by=agent_name&metric=tokens", "/trust")
        ),
    ],
)
def test_lists_and_charts(dashboard: Dashboard, visits: Visits, session: str, path: str) -> None:
    """Names are shown unchanged."""
    page = visits.open(link(dashboard, path))
    page.wait_for_load_state("networkidle")
    if path.startswith("/?"):
        expect(page.get_by_test_id("chart")).to_have_attribute("data-drawn", "yes")
        expect(show_tool_errors(page)).to_be_visible()
        page.locator(".chart").hover()
    if path.startswith("/sessions"):
        expect(page.locator(".session-title")).to_have_text(ATTACKS[0])

    check_harmless(page)


def test_each_view_of_a_session(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """All texts are there, as text."""
    page = visits.open(link(dashboard, f"/sessions/{session}"))
    for view in VIEWS:
        show_view(page, view)
        expect(page.locator("h1")).to_have_text(ATTACKS[0])
        open_parts(page, view)
        while page.evaluate(OPEN_ALL):
            pass

        check_harmless(page)
        expect(page.locator(".headline .summary")).to_have_text(ATTACKS[4])
        assert ATTACKS[0] in page.title()


def open_parts(page: Page, view: str) -> None:
    """Search in a conversation; open the panel of a tool use elsewhere."""
    if view == "Conversation":
        page.get_by_label("Search in this conversation").fill(ATTACKS[1])
        expect(page.get_by_test_id("found-here")).to_contain_text("1 of 4 places")
    bars_or_rows = {"Timeline": ".bar-tool", "Events": ".virtual-row:has-text('failed')"}
    if view in bars_or_rows:
        page.locator(bars_or_rows[view]).nth(1).click()
        panel = page.get_by_test_id("side-panel")
        expect(panel.get_by_role("heading", level=2)).to_contain_text(ATTACKS[1])
        expect(panel.locator("pre.bad")).to_have_text(ATTACKS[1])


def test_a_downloaded_page_has_no_markup_but_its_own(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """Every text of the session is text in the file, too, and its policy allows no script."""
    page = visits.open(link(dashboard, f"/sessions/{session}"))
    page.get_by_text("Download", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Web page").click()
    text = Path(saved.value.path()).read_text()

    tags = Tags()
    tags.feed(text)
    assert tags.found == {
        *("html head meta title style body h1 p blockquote details summary strong span pre div".split())
    }
    assert tags.attributes == {"lang", "charset", "http-equiv", "content", "class"}
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert ATTACKS[0].replace("<", "&lt;").replace(">", "&gt;") in text


class Tags(HTMLParser):
    """The names of all elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_a_payload_of_a_megabyte_is_read_when_it_is_opened(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """Its beginning is shown, and the rest on demand."""
    page = visits.open(link(dashboard, f"/sessions/{session}?view=events&event_type=Notification"))
    row = page.locator("[role=option]").first
    expect(row).to_contain_text(re.compile("97[0-9]|1.0 MiB"))
    row.click()
    text = page.get_by_test_id("payload")
    expect(text).to_be_visible()
    assert len(text.inner_text()) < LARGE

    page.get_by_role("button", name="Show all").click()

    assert json.loads(text.text_content() or "") == {"message": ATTACKS[0] + "x" * LARGE}
    check_harmless(page)


def test_a_search_for_an_attack(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """The query is echoed as text, and so are the marked words."""
    page = visits.open(link(dashboard, "/sessions?range=90d&q=script+onerror"))
    expect(page.locator("mark").first).to_be_visible()

    check_harmless(page)


def test_hostile_addresses(dashboard: Dashboard, visits: Visits, session: str) -> None:
    """Hostile pages, ranges, filters and tokens in the address."""
    visits.failed_loads_are_fine = True
    for path in (
        f"/?range={ATTACKS[0]}&start={ATTACKS[1]}&metric=__proto__&by=constructor",
        f"/sessions?range=custom&start=9999-99-99&end=x&sort={ATTACKS[0]}",
        f"/sessions?agent_name={ATTACKS[1]}&view=__proto__&page=-1",
        f"/sessions/{session}?view=constructor",
        f"/sessions/{session}?view=timeline&scale=__proto__&use={ATTACKS[1]}&at=2026-01-01T00:00:00.000Z",
        f"/sessions/{session}?view=events&rows=__proto__&use={ATTACKS[0]}&at={ATTACKS[1]}",
    ):
        page = visits.open(link(dashboard, path))
        settle(page)
        check_harmless(page)
        page.close()
    page = visits.open(f"{dashboard.url}/#token={ATTACKS[0]}.e30.x")
    expect(page.get_by_label("Token")).to_be_visible()
    check_harmless(page)
