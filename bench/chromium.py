"""Open pages in a headless Chromium, and measure when something is shown: in ms from the start of the navigation."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from playwright.sync_api import Browser, ViewportSize, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# At each start, Chromium contacts its vendor's hosts; it may only contact loopback.
OPTIONS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
HOW_TO_GET_IT = "needs Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM to its path"
SHOWN_WITHIN_MS = 60_000
VIEWPORT = ViewportSize(width=1280, height=900)
# An element that is found in one frame is on screen in the next one, after layout and painting.
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
    """When each wanted thing was shown, by name, and how long the page's main thread had worked until then."""

    shown_ms: Mapping[str, float]
    main_thread_ms: float


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


def visit(browser: Browser, address: str, wanted: Mapping[str, str]) -> Seen:
    """Open an address with an empty cache, until each selector of ``wanted`` matches and nothing is loading."""
    with browser.new_context(viewport=VIEWPORT) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        page.add_init_script(f"{_WATCH}({msgspec.json.encode(wanted).decode()})")
        page.goto(address, wait_until="commit")
        page.wait_for_function(_ALL_SHOWN, arg=[*wanted], polling=50, timeout=SHOWN_WITHIN_MS)
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        page.wait_for_load_state("networkidle")
        return Seen(page.evaluate("shownAt"), float(metrics["TaskDuration"]) * 1e3)
