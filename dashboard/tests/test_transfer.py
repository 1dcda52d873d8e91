"""The data that a visit transfers: little at first, nothing twice, and only from this host."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.support.rigs.dashboard import Dashboard, Visits, number

REQUESTS_MAX, BYTES_MAX = 20, 150_000  # of a first view with an empty cache


class Traffic:
    """The responses of a page from now on: encoded bytes by address, and the addresses that came from the cache."""

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


def traffic_of(page: Page) -> Traffic:
    """Return everything that the page transfers from now on."""
    return Traffic(page.context.new_cdp_session(page))


@pytest.fixture(scope="module")
def first_view(dashboard: Dashboard, long_visits: Visits) -> tuple[Page, Traffic]:
    """Open the overview with an empty cache, until everything is drawn."""
    page = long_visits.open_apart("about:blank")
    traffic = traffic_of(page)
    page.goto(dashboard.link("/?range=30d"))
    number(page, '[data-kpi="cost"]')
    expect(page.get_by_test_id("chart")).to_have_attribute("data-drawn", "yes")
    page.wait_for_load_state("networkidle")
    return page, traffic


def test_the_first_view_is_small(first_view: tuple[Page, Traffic]) -> None:
    """In requests and in bytes: the page, its script and style, and all that the API answers."""
    _, traffic = first_view

    assert 0 < len(traffic.sizes) <= REQUESTS_MAX
    assert 0 < sum(traffic.sizes.values()) <= BYTES_MAX


def test_everything_comes_from_this_host(dashboard: Dashboard, first_view: tuple[Page, Traffic]) -> None:
    """No font, script or visitor counter comes from elsewhere."""
    _, traffic = first_view

    assert {urlsplit(address).netloc for address in traffic.sizes} == {urlsplit(dashboard.url).netloc}


def test_a_second_visit_takes_files_from_the_cache(first_view: tuple[Page, Traffic]) -> None:
    """The files' addresses change with their content."""
    page, _ = first_view
    again = page.context.new_page()
    traffic = traffic_of(again)
    again.goto(page.url)
    again.get_by_role("navigation", name="Pages").wait_for()  # the first tab signs it in

    files = [address for address in traffic.sizes if "/static/" in address]
    assert files
    assert set(files) <= traffic.from_cache
