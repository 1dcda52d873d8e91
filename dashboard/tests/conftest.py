"""Fixtures for the browser tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.rigs.dashboard import (
    Dashboard,
    Visits,
    chromium_or_skip,
    dashboard_with_demo,
    new_context,
    running_chromium,
)

expect.set_options(timeout=40_000)  # ms; other work on the machine makes pages slow, not wrong


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Return an installation with the demo's data, shared by tests that only read."""
    chromium_or_skip()
    with dashboard_with_demo(tmp_path_factory.mktemp("dashboard")) as running:
        yield running


@pytest.fixture(scope="package")
def context(dashboard: Dashboard) -> Iterator[BrowserContext]:
    """Start a Chromium for this folder. While it runs, no other event loop can run in this thread."""
    with running_chromium() as browser:
        yield new_context(browser)


@pytest.fixture
def visits(context: BrowserContext) -> Iterator[Visits]:
    """Open pages; at the end, none may have violated the policy or written an error to its console."""
    yield from checked_visits(context)


@pytest.fixture(scope="module")
def long_visits(context: BrowserContext) -> Iterator[Visits]:
    """Open pages that a module's tests look at one after the other, and leave unchanged."""
    yield from checked_visits(context)


def checked_visits(context: BrowserContext) -> Iterator[Visits]:
    made = Visits(context)
    try:
        yield made
        made.check()
    finally:
        made.close()
