"""Fixtures of the browser tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.rigs.dashboard import Dashboard, Visits, chromium_or_skip, dashboard_with_demo, running_chromium

expect.set_options(timeout=15_000)  # ms; other work on the machine makes pages slow, not wrong


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Return an installation with the demo's data, shared by tests that only read."""
    chromium_or_skip()
    with dashboard_with_demo(tmp_path_factory.mktemp("dashboard")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(dashboard: Dashboard) -> Iterator[Browser]:
    """Start a Chromium for a module. It ends with it: while it runs, no other event loop can run in this thread."""
    with running_chromium() as running:
        yield running


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Open pages; at the end none may have violated the policy, or have written an error to its console."""
    made = Visits(browser)
    try:
        yield made
        made.check()
    finally:
        made.close()
