"""Opens pages in a headless Chromium, and measures there when something is shown: in ms since the navigation began."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, ViewportSize, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium looks for its maker's hosts at each start; only loopback is to be asked.
OPTIONS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
HOW_TO_GET_IT = "needs Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM to its path"
SHOWN_WITHIN_MS = 60_000
VIEWPORT = ViewportSize(width=1280, height=900)
# An element that is found in one frame is on screen in the next one, after its layout and painting.
_WATCH = """(wanted => {
  const found = new Set();
  window.shownAt = {};
  const look = () => {
    for (const [name, selector] of Object.entries(wanted)) {
      if (found.has(name)) window.shownAt[name] ??= performance.now();
      else if (document.querySelector(selector)) found.add(name);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
_ALL_SHOWN = "names => names.every(name => name in window.shownAt)"


class Seen(NamedTuple):
    """What a visit showed.

    ``shown_ms`` is by name, ``main_thread_ms`` what the page's main thread had worked until then, and ``sizes`` are the
    encoded bytes of each response, headers included, by address.
    """

    shown_ms: Mapping[str, float]
    main_thread_ms: float
    sizes: Mapping[str, int]


class Traffic:
    """The responses of a page from now on: encoded bytes by address, and which addresses came from the cache."""

    def __init__(self, session: CDPSession) -> None:
        self._addresses: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.from_cache: set[str] = set()
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def _received(self, event: dict[str, Any]) -> None:
        response = event["response"]
        self._addresses[event["requestId"]] = response["url"]
        if response.get("fromDiskCache") or response.get("fromPrefetchCache"):
            self.from_cache.add(response["url"])

    def _finished(self, event: dict[str, Any]) -> None:
        address = self._addresses.get(event["requestId"])
        if address is not None:
            self.sizes[address] = self.sizes.get(address, 0) + round(event["encodedDataLength"])


def find_chromium() -> str | None:
    """Return the path of a Chromium, if there is one; the variable `CHROMIUM` names another."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextlib.contextmanager
def running_chromium(program: str) -> Iterator[Browser]:
    """Start it. While it runs, no other event loop can run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a context that has visited nothing: its cache is empty."""
    context = browser.new_context(viewport=VIEWPORT)
    try:
        yield context
    finally:
        context.close()


def visit(context: BrowserContext, address: str, wanted: Mapping[str, str]) -> tuple[Page, Seen]:
    """Open an address in a new tab until each selector of ``wanted`` matches, and then until nothing is loaded."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    traffic = Traffic(session)
    session.send("Performance.enable")
    page.add_init_script(f"{_WATCH}({msgspec.json.encode(wanted).decode()})")
    page.goto(address, wait_until="commit")
    page.wait_for_function(_ALL_SHOWN, arg=[*wanted], polling=50, timeout=SHOWN_WITHIN_MS)
    worked_ms = _main_thread_ms(session)
    page.wait_for_load_state("networkidle")
    return page, Seen(page.evaluate("shownAt"), worked_ms, traffic.sizes)


def _main_thread_ms(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration") * 1e3
