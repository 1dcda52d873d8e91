"""Days and times are those of the reader's time zone; UTC is one click away, and the choice is remembered."""

import random
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from query_api.days import midnight
from tests.support.rigs.dashboard import Dashboard, Visits, modules_of, number, settle

# Zones whose clocks change at midnight, by half an hour, or over the date line; and ordinary ones.
ZONES = (
    *("Europe/Berlin", "America/St_Johns", "Australia/Eucla", "Australia/Lord_Howe", "Pacific/Chatham"),
    *("America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Pacific/Kiritimati"),
)
FIRST, DAYS = date(1996, 1, 1), 11_500
MIDNIGHTS = """async ([folder, days]) => {
    const { midnight, timeOf, shown } = await import(`${folder}/zone.js`);
    return days.map(([zone, day]) => {
        const start = midnight(day, zone);
        const noon = timeOf(`${day}T12:34:56`, zone);
        return [start, shown(noon, zone)];
    });
}"""


def test_days_start_as_the_api_says(dashboard: Dashboard, visits: Visits) -> None:
    """In many zones, on the days on which clocks change, on those after them and on others."""
    chance = random.Random(1)
    some = [(zone, FIRST + timedelta(days=chance.randrange(DAYS))) for zone in ZONES for _ in range(100)]
    days = [*some, *((zone, day + timedelta(days=later)) for zone in ZONES for day in _odd(zone) for later in (0, 1))]
    page = visits.open(dashboard.link("/"))

    found = page.evaluate(MIDNIGHTS, [modules_of(page), [[zone, str(day)] for zone, day in days]])

    expected = [int(midnight(day, ZoneInfo(zone)).timestamp()) * 1000 for zone, day in days]
    assert [start for start, _ in found] == expected
    assert [noon for _, noon in found] == [f"{day}T12:34:56.000" for _, day in days]
    assert len(days) > len(some) + 500


def _odd(zone: str) -> list[date]:
    """Return the days since 1996 that do not have 24 hours."""
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    starts = pairwise(midnight(day, ZoneInfo(zone)) for day in days)
    return [day for day, (start, end) in zip(days, starts, strict=False) if end - start != timedelta(days=1)]


@pytest.fixture(params=["Australia/Eucla", "Pacific/Kiritimati"])
def zone(request: pytest.FixtureRequest) -> str:
    """Return the reader's zone: 8:45 or 14 hours ahead of UTC."""
    name: str = request.param
    return name


@pytest.fixture
def day() -> str:
    """Return a day of the demo, fixed, so that a test may run past midnight."""
    return str(datetime.now(UTC).date() - timedelta(days=3))


@pytest.fixture
def page(dashboard: Dashboard, visits: Visits, zone: str, day: str) -> Page:
    """Return the overview of that day in that zone."""
    page = visits.open_apart(dashboard.link(f"/?range=custom&start={day}&end={day}"), timezone_id=zone)
    settle(page)
    return page


def test_a_day_is_that_of_the_reader(dashboard: Dashboard, page: Page, zone: str, day: str) -> None:
    """Its numbers are what the API says for that day of the zone; after a click, those of the day of UTC."""
    spent = {}
    for name in (zone, "UTC"):
        if name == "UTC":
            page.locator(".range").get_by_role("button", name="UTC", exact=True).click()
        asked = {"start_date": day, "end_date": day, "tz": name}
        expected = dashboard.api("/sessions/analytics/summary", **asked)["data"]
        spent[name] = expected["total_cost_usd"]
        expect(page.locator('[data-kpi="cost"]')).to_have_attribute("data-value", str(spent[name]))
        assert number(page, '[data-kpi="sessions"]') == expected["total_sessions"]
        chosen = page.locator(".range").get_by_role("button", name=name, exact=True)
        expect(chosen).to_have_attribute("aria-pressed", "true")
    assert spent[zone] != spent["UTC"]

    page.locator("details.account summary").click()
    in_menu = page.locator("details.account").get_by_role("button", name="UTC", exact=True)
    expect(in_menu).to_have_attribute("aria-pressed", "true")
    ids = page.locator("[id]").evaluate_all("elements => elements.map(element => element.id)")
    assert len(ids) == len(set(ids))

    page.reload()
    settle(page)
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[data-kpi="cost"]')).to_have_attribute("data-value", str(spent["UTC"]))


def test_the_sessions_behind_a_cost_add_up_to_it(dashboard: Dashboard, page: Page, zone: str) -> None:
    """To the nano-dollar, the most expensive first; times are those of the zone."""
    cost = Decimal(page.locator('[data-kpi="cost"]').get_attribute("data-value") or "")
    page.locator('[data-kpi="cost"]').click()
    page.wait_for_url(re.compile("within=spent"))
    settle(page)

    rows = page.locator(".session-row")
    cells = rows.locator('[data-key="cost_usd"]').evaluate_all("cells => cells.map(cell => cell.dataset.value)")

    costs = [Decimal(cell) for cell in cells]
    assert sum(costs) == cost > 0
    assert costs == sorted(costs, reverse=True)
    session = dashboard.api(f"/sessions/{rows.first.get_attribute('data-session')}")["data"]
    started = datetime.fromisoformat(session["started_at"]).astimezone(ZoneInfo(zone))
    shown = rows.first.locator("time").last
    expect(shown).to_have_attribute("title", re.compile(f"^{started.day} .* {started:%H:%M} \\({zone}\\)$"))
    expect(shown).to_have_text(re.compile("ago$"))


def test_a_reader_in_utc_has_no_choice(dashboard: Dashboard, visits: Visits) -> None:
    """The range says that its days are those of UTC."""
    page = visits.open(dashboard.link("/"))
    settle(page)

    expect(page.locator(".range")).to_contain_text("UTC")
    expect(page.get_by_role("group", name="Time zone")).to_have_count(0)
