"""An installation with the demo's data, and a Chromium that opens its dashboard."""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from bench import chromium
from cli.demo.api import Api, Sender
from cli.demo.sessions import DemoSession, make_sessions
from edge.tokens import issue_token
from runtime.settings.secrets import token_key
from schemas.permissions import OPERATOR_ORG, Role
from tests.support.rigs.installation import ORG, Installation

SESSIONS, EVENTS, SEED = 120, 8_000, 1  # three pages of sessions, and one session with two pages of events
TTL_S = 3_600
VIEWPORT = chromium.VIEWPORT
OPTIONS = {"viewport": VIEWPORT, "reduced_motion": "reduce", "timezone_id": "UTC"}
VIEWS = ("Conversation", "Timeline", "Events", "Usage", "Analysis", "History")  # views of a session
FAILED_LOAD = "Failed to load resource"  # a status of 400 or more, or no answer


class Dashboard:
    """An installation with the demo's sessions, the data sent to it, and its API for comparison."""

    def __init__(self, installation: Installation, sent: list[DemoSession], ids: list[str]) -> None:
        self.installation, self.sent, self.ids = installation, sent, ids
        self.url = installation.url

    def token(self, role: Role = "admin", user: str = "alice", org: str = ORG, ttl_s: int = TTL_S) -> str:
        """Return a token of a user of the org."""
        return issue_token(token_key(self.installation.data / "secrets"), user, org, role, ttl_s, time.time())

    def operator_token(self) -> str:
        """Return a token of an operator."""
        return self.token("operator", "demo", OPERATOR_ORG)

    def link(self, path: str = "/", **tokens: str) -> str:
        """Return an address with tokens in its fragment; by default an admin's."""
        return f"{self.url}{path}#{urlencode(tokens or {'token': self.token()})}"

    def api(self, path: str, role: Role = "admin", user: str = "alice", **params: Any) -> Any:
        """Return the API's reply below the org."""
        with self.installation.client(role, user=user) as client:
            reply = client.get(f"/api/v1/{ORG}{path}", params=params)
            assert reply.is_success, reply.text
            return reply.json()

    def operator_api(self, path: str) -> Any:
        """Return the API's reply to an operator."""
        with self.installation.client("operator", org=OPERATOR_ORG) as client:
            return client.get(f"/api/v1/operator{path}").json()

    @cached_property
    def longest(self) -> dict[str, Any]:
        """Return the session with the most events, which has everything: subagents, failures, an analysis."""
        found: dict[str, Any] = max(
            self.api("/sessions", per_page=100, sort="-duration_seconds")["data"], key=lambda it: it["counts"]["events"]
        )
        assert found["counts"]["subagents"] > 0
        return found

    @cached_property
    def sent_events(self) -> list[dict[str, Any]]:
        """Return every event as it was sent."""
        bodies = (batch.body for session in self.sent for batch in session.batches)
        return list(chain.from_iterable(msgspec.json.decode(body)["events"] for body in bodies))

    def sent_measurement(self, name: str) -> float:
        """Return the sum of the measurements with this name."""
        measured = (event["data"] for event in self.sent_events if event["event_type"] == "Measurement")
        return float(sum(data["value"] for data in measured if data["name"] == name))

    def sent_tokens(self) -> int:
        """Return the sum of the tokens in each session's last report."""
        return sum(_tokens(_last_report(session)) for session in self.sent)


def _last_report(session: DemoSession) -> Mapping[str, Any]:
    reports = [batch.report for batch in session.batches if batch.report] + ([session.end] if session.end else [])
    report: Mapping[str, Any] = msgspec.json.decode(reports[-1])["model_metrics"]
    return report


def _tokens(report: Mapping[str, Any]) -> int:
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    return sum(int(model[kind]) for model in report["models"] for kind in kinds)


@contextlib.contextmanager
def dashboard_with_demo(folder: Path, sessions: int = SESSIONS, events: int = EVENTS) -> Iterator[Dashboard]:
    """Start `up`, send sessions as `make demo` does, and wait until all of them can be read."""
    installation = Installation("up", folder)
    try:
        installation.start()
        sent = make_sessions(SEED, sessions, events, datetime.now(UTC))
        yield Dashboard(installation, sent, asyncio.run(_send(installation, sent)))
    finally:
        installation.end()


async def _send(installation: Installation, sent: list[DemoSession]) -> list[str]:
    key, now = token_key(installation.data / "secrets"), time.time()
    users = {"demo": "admin", **{session.user_id: "member" for session in sent}}
    tokens = {user: issue_token(key, user, ORG, role, TTL_S, now) for user, role in users.items()}  # type: ignore[arg-type]
    async with contextlib.aclosing(Api(installation.url, tokens)) as api:
        sender = Sender(api, ORG, sent, lambda _events: None)
        await sender.run()
        await api.get(f"/{ORG}/sessions/analytics/summary", wait=True)
    assert not sender.rejected
    return sender.ids


def chromium_or_skip() -> str:
    """Return the path of a Chromium, or skip the test with a note on what to install."""
    found = chromium.find_chromium()
    if found is None:
        if os.environ.get("REQUIRE_CHROMIUM") == "1":
            pytest.fail(chromium.HOW_TO_GET_IT)
        pytest.skip(chromium.HOW_TO_GET_IT)
    return found


def running_chromium() -> AbstractContextManager[Browser]:
    """Start a headless Chromium."""
    return chromium.running_chromium(chromium_or_skip())


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a context with an empty cache. Animations are off: they would double the processor time of drawing."""
    context = browser.new_context(**{**OPTIONS, **options})
    context.set_default_timeout(40_000)
    return context


class Visits:
    """Opens pages, and remembers the messages on their consoles.

    The pages share a context, so that the browser compiles the scripts once; each has its own token.
    """

    def __init__(self, shared: BrowserContext) -> None:
        self._shared = shared
        self._opened: list[Page | BrowserContext] = []
        self.messages: list[str] = []
        self.failed_loads_are_fine = False

    def open(self, address: str) -> Page:
        """Open an address in a new tab."""
        page = self._new_page(self._shared, address)
        self._opened.append(page)
        return page

    def open_apart(self, address: str, **options: Any) -> Page:
        """Open an address in a new context with these options, as on a first visit."""
        assert self._shared.browser is not None
        context = new_context(self._shared.browser, **options)
        self._opened.append(context)
        return self._new_page(context, address)

    def _new_page(self, context: BrowserContext, address: str) -> Page:
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.messages.append(f"uncaught: {error}"))
        page.goto(address)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.messages.append(message.text)

    def check(self) -> None:
        """Check that no page violated the policy or wrote an error to its console."""
        unexpected = [text for text in self.messages if not (self.failed_loads_are_fine and FAILED_LOAD in text)]
        assert not unexpected, unexpected

    def close(self) -> None:
        """Close all opened pages."""
        for each in self._opened:
            each.close()


def modules_of(page: Page) -> str:
    """Return the address of the page's modules, for `import` in a script."""
    found = re.search(r"/static/[0-9a-f]+/app", page.content())
    assert found is not None
    return found[0]


def settle(page: Page) -> None:
    """Wait until the page matches its address; until then it may show earlier choices."""
    page.locator("main:not([aria-busy])").wait_for()


def show_view(page: Page, name: str) -> None:
    """Choose a view of a session by its link, and wait until it is drawn."""
    views = page.get_by_role("navigation", name="Views of the session")
    chosen = views.get_by_role("link", name=name, exact=True)
    chosen.click()
    expect(chosen).to_have_attribute("aria-current", "page")
    settle(page)
    expect(page.locator("main .skeleton:visible")).to_have_count(0)


def show_tool_errors(page: Page) -> Locator:
    """Scroll to the tool errors once everything above has its height, and return the sentence there."""
    page.locator('[data-table="by-model"]').wait_for()
    page.locator('[data-panel="tool-errors"]').scroll_into_view_if_needed()
    return page.get_by_test_id("fails-most")


def number(page: Page, selector: str) -> float:
    """Return the raw value of a number on the page once it appears."""
    locator = page.locator(selector).first
    locator.wait_for()
    value = locator.get_attribute("data-value")
    assert value not in (None, ""), f"{selector} has no value"
    return float(value)
