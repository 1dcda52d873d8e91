"""Every number that leads to a list of sessions is what that list adds up to."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Page

from schemas.permissions import Role
from tests.support.rigs.dashboard import Dashboard, Visits, modules_of, settle

Rows = list[dict[str, Any]]

# What stands in each link to a list, and the parameters that the list's page would send to the API.
NUMBERS = """async (app) => {
    const { readState } = await import(`${app}/url.js`);
    const { queryOf } = await import(`${app}/pages/sessions.js`);
    return [...document.querySelectorAll('main a[href^="/sessions?"]')].flatMap((link) => {
        let place = link.closest("[data-value]");
        if (place?.dataset.key === "outcome") place = place.closest("tr").querySelector('[data-key="sessions"]');
        const key = place?.dataset.key ?? place?.dataset.kpi;
        if (!key) return [];
        const { page, per_page, ...query } = queryOf(readState(new URL(link.href).search));
        const given = Object.entries(query).filter(([, value]) => value);
        return [{ key, value: place.dataset.value, query: Object.fromEntries(given) }];
    });
}"""


def total(of: Callable[[dict[str, Any]], float]) -> Callable[[Rows], float]:
    return lambda rows: math.fsum(map(of, rows))


def spent(kind: str) -> Callable[[Rows], float]:
    return total(lambda row: row["spent"][kind])


def worked(*kinds: str) -> Callable[[Rows], float]:
    return total(lambda row: sum(row["work"][kind] for kind in kinds))


def share(rows: Rows, part: str, whole: str) -> float:
    return sum(row["counts"][part] for row in rows) / sum(row["counts"][whole] for row in rows)


def average(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found)


def users(rows: Rows) -> int:
    return len({row["user_id"] for row in rows})


MEASURES: Mapping[str, Callable[[Rows], float]] = {
    **dict.fromkeys(("sessions", "failed"), len),
    "users": users,
    "sessions_per_user": lambda rows: len(rows) / users(rows),
    **dict.fromkeys(("cost", "cost_usd"), spent("cost_usd")),
    "cost_per_session": lambda rows: spent("cost_usd")(rows) / len(rows),  # no session of the demo began earlier
    "tokens": spent("tokens"),
    "tool_error_rate": lambda rows: share(rows, "tool_errors", "tool_calls"),
    "lines": worked("lines_added", "lines_removed"),
    **{kind: worked(kind) for kind in ("lines_added", "lines_removed", "commits", "pull_requests", "active_seconds")},
    **dict.fromkeys(
        ("duration", "avg_duration_seconds"),
        lambda rows: average(row["duration_seconds"] for row in rows if row["ended_at"]),
    ),
}
NO_SUMS = {"cost_share", "cache_hit_rate", "last_active_at", "top_agent"}  # names, times and parts of a whole


@pytest.mark.parametrize(
    ("path", "role", "least"),
    [("/?range=30d", "admin", 40), ("/team?range=30d", "admin", 60), ("/?range=30d", "member", 15)],
)
def test_every_number_is_what_its_list_adds_up_to(
    dashboard: Dashboard, visits: Visits, path: str, role: Role, least: int
) -> None:
    """Members see theirs. Each list is read with the parameters that its page would use, all pages of it."""
    user = dashboard.sent[0].user_id
    page = visits.open_apart(dashboard.link(path, token=dashboard.token(role, user)))
    numbers = shown_numbers(page)
    lists: dict[tuple[Any, ...], Rows] = {}
    wrong = []

    for number in numbers:
        if (key := number["key"]) in NO_SUMS:
            continue
        query = tuple(sorted(number["query"].items()))
        if query not in lists:
            lists[query] = every_page(dashboard, role, user, dict(query))
        rows = lists[query]
        if not math.isclose(float(number["value"]), MEASURES[key](rows), rel_tol=1e-9, abs_tol=1e-9):
            wrong.append({**number, "list": MEASURES[key](rows)})

    assert wrong == []
    assert len(numbers) > least


def shown_numbers(page: Page) -> list[dict[str, Any]]:
    settle(page)
    for more in page.get_by_role("button", name="Show all").all():
        more.click()
    found: list[dict[str, Any]] = page.evaluate(NUMBERS, modules_of(page))
    return found


def every_page(dashboard: Dashboard, role: Role, user: str, query: dict[str, str]) -> Rows:
    rows: Rows = []
    for number in range(1, 100):
        reply = dashboard.api("/sessions", role=role, user=user, **query, page=number, per_page=100)
        rows += reply["data"]
        if number >= reply["meta"]["total_pages"]:
            break
    return rows
