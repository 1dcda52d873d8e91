"""Analytics over HTTP, on the real engine, against a slow recomputation from the sessions themselves."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import slow_analytics as slow
from support.query_store import DAY_MS, HOUR_MS, NOON, QueryApi, QueryStore, model, session

from schemas.rows import ModelTotals, SessionRow

pytest_plugins = ["support.query_fixtures"]

TODAY = date(2026, 1, 20)
PATHS = ("summary", "timeseries", "by-agent", "cost-breakdown", "by-user")
names = st.sampled_from(["a", "b", "ä'\\", ""])
maybe = st.none() | names
users = st.sampled_from(["alice", "bob", "carol"])
models = st.lists(
    st.builds(
        ModelTotals,
        st.sampled_from(["opus", "haiku", ""]),
        *(st.integers(0, 10**6) for _ in range(5)),
        st.integers(0, 10**13),
        st.just("priced"),
    ),
    max_size=3,
    unique_by=lambda use: use.model,
)


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, Any]:
    """What a session may look like, as changes of the builder; a few hours and days, so that buckets are shared."""
    started_at = (
        NOON - draw(st.integers(0, 4)) * 9 * DAY_MS - draw(st.integers(0, 30)) * HOUR_MS - draw(st.integers(0, 9))
    )
    ended = draw(st.booleans())
    return {
        "started_at": started_at,
        "last_event_at": draw(st.none() | st.integers(started_at, started_at + DAY_MS)),
        "ended_at": started_at + 1 if ended else None,
        "outcome": draw(st.sampled_from([None, "success", "failure", "timeout", "cancelled"])) if ended else None,
        "duration_ms": draw(st.integers(0, 10**8)) if ended else draw(st.none() | st.integers(0, 10**8)),
        "user_id": draw(users),
        **{name: draw(maybe) for name in ("project_id", "repo", "agent_name")},
        "tool_calls": draw(st.integers(0, 20)),
        "tool_errors": draw(st.integers(0, 5)),
        "models": draw(models),
    }


spans = st.tuples(st.dates(TODAY - timedelta(40), TODAY), st.dates(TODAY - timedelta(40), TODAY)).map(sorted)
cuts = st.fixed_dictionaries({}, optional={"project_id": names, "repo": names, "agent_name": names, "user_id": users})
series = st.one_of(
    st.tuples(st.sampled_from(["sessions", "cost", "tokens", "tool_calls", "users"]), st.none()),
    st.tuples(st.sampled_from(["cost", "tokens"]), st.sampled_from(["opus", "haiku", "", "other"])),
)
orgs: Iterator[str] = (f"org-{number}" for number in count())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(sessions(), max_size=25),
    spans,
    cuts | st.just({}),
    st.sampled_from(["hour", "day", "week"]),
    series,
    st.sampled_from([None, "opus", ""]),
)
async def test_analytics_are_what_a_recount_of_the_sessions_says(
    org_store: QueryStore,
    rows: list[dict[str, Any]],
    span: list[date],
    cut: dict[str, str],
    interval: str,
    measured: tuple[str, str | None],
    cost_model: str | None,
) -> None:
    """For any sessions, days, and cut, each analytics reply is what counting the sessions one by one gives."""
    org, (metric, series_model) = next(orgs), measured
    stored = [session(org, **changes) for changes in rows]
    _store(org_store, stored)
    api = QueryApi(org_store.reader)
    asked = {"start_date": span[0], "end_date": span[1], **cut}
    found = slow.matching(stored, org, *span, **cut)

    summary, series_, by_agent, breakdown, by_user = [
        (await api.get(f"sessions/analytics/{path}", {**asked, **more}, org=org)).json()["data"]
        for path, more in (
            ("summary", {}),
            ("timeseries", {"interval": interval, "metric": metric, "model": series_model}),
            ("by-agent", {}),
            ("cost-breakdown", {"model": cost_model}),
            ("by-user", {"per_page": 100}),
        )
    ]

    assert summary == slow.summary(found)
    assert series_ == slow.timeseries(found, *span, interval, metric, series_model)
    assert by_agent == slow.by_agent(found)
    assert breakdown == slow.cost_breakdown(found, cost_model, None)
    assert by_user == slow.by_user(found)
    for members in ("by_model", "by_project", "by_user"):
        assert sum(Decimal(repr(item["cost_usd"])) for item in breakdown[members]) == Decimal(
            repr(breakdown["total_cost_usd"])
        )


async def test_nothing_happened(query_api: QueryApi) -> None:
    """Without sessions counts are 0, lists are empty, and what would be an average or a share is null."""
    replies = {path: (await query_api.get(f"sessions/analytics/{path}")).json() for path in PATHS}

    assert replies["summary"]["data"] == slow.summary([])
    assert [period["value"] for period in replies["timeseries"]["data"]] == [0] * 30
    assert replies["by-agent"]["data"] == replies["by-user"]["data"] == []
    assert replies["cost-breakdown"]["data"] == {"total_cost_usd": 0, "by_model": [], "by_project": [], "by_user": []}
    assert replies["by-user"]["meta"]["total_count"] == 0


async def test_a_member_sees_no_other_name(query_store: QueryStore, query_api: QueryApi) -> None:
    """For members and viewers the cost by user holds only themselves, while all other numbers are the org's."""
    rows = [session(user_id=user, models=[model("m", cost_nano=10)]) for user in ("alice", "bob", "bob")]
    query_store.put(*rows)

    for role in ("member", "viewer"):
        reply = await query_api.get("sessions/analytics/cost-breakdown", user="bob", role=role)
        names = [(await query_api.get("sessions/analytics/by-agent", user="bob", role=role)).text]

        assert reply.json()["data"] == slow.cost_breakdown(rows, None, "bob")
        assert "alice" not in reply.text + "".join(names)


async def test_shares_of_nothing_are_null(query_store: QueryStore, query_api: QueryApi) -> None:
    """Where nothing was spent, sessions are listed with no share of it."""
    query_store.put(session(agent_name="x", project_id="p", models=[model("m")]))

    agents = (await query_api.get("sessions/analytics/by-agent")).json()["data"]
    costs = (await query_api.get("sessions/analytics/cost-breakdown")).json()["data"]

    assert [agent["cost_share"] for agent in agents] == [None]
    assert [costs[members][0]["cost_share"] for members in ("by_model", "by_project", "by_user")] == [None] * 3


async def test_a_session_that_changes_moves_whole(query_store: QueryStore, query_api: QueryApi) -> None:
    """A session that goes to another project leaves nothing behind in the old one."""
    row = session(project_id="old", models=[model("m", cost_nano=5)])
    query_store.put(row)
    moved = {"session_id": row.session_id, "started_at": row.started_at, "models": row.models, "version": 2}
    query_store.put(session(project_id="new", **moved))

    projects = (await query_api.get("sessions/analytics/cost-breakdown")).json()["data"]["by_project"]

    assert [(project["project_id"], project["sessions"]) for project in projects] == [("new", 1)]


async def test_pages_of_users(query_store: QueryStore, query_api: QueryApi) -> None:
    """Users come in pages with right meta, past the end too."""
    rows = [session(user_id=f"user-{n}") for n in range(5)]
    query_store.put(*rows)

    pages = [
        (await query_api.get("sessions/analytics/by-user", {"page": page, "per_page": 2})).json()
        for page in (1, 2, 3, 4)
    ]

    assert [user for page in pages for user in page["data"]] == slow.by_user(rows)
    assert [page["meta"]["total_count"] for page in pages] == [5] * 4
    assert {page["meta"]["total_pages"] for page in pages} == {3}


async def test_a_week_starts_on_its_monday(query_store: QueryStore, query_api: QueryApi) -> None:
    """The first week is named by its Monday, also before the first day, and holds only days that were asked for."""
    query_store.put(session(started_at=NOON - 1 * DAY_MS), session(started_at=NOON))

    reply = await query_api.get(
        "sessions/analytics/timeseries", {"interval": "week", "start_date": "2026-01-20", "end_date": "2026-01-26"}
    )

    assert reply.json()["data"] == [
        {"period_start": "2026-01-19T00:00:00.000Z", "value": 1},
        {"period_start": "2026-01-26T00:00:00.000Z", "value": 0},
    ]


async def test_numbers_say_how_complete_they_are(query_store: QueryStore, query_api: QueryApi) -> None:
    """Analytics repeat in `meta` up to when they are complete, and how many records wait."""
    query_store.progress(0, 17, 20, NOON + 5)

    for path in PATHS:
        reply = await query_api.get(f"sessions/analytics/{path}")

        assert reply.headers["X-Complete-Through"] == "2026-01-20T12:00:00.005Z"
        assert reply.json()["meta"]["complete_through"] == "2026-01-20T12:00:00.005Z"
        assert reply.json()["meta"]["lag_records"] == 3


async def test_fresher_is_not_other(query_store: QueryStore, query_api: QueryApi) -> None:
    """That time goes by does not make equal numbers another reply."""
    tag = (await query_api.get("sessions/analytics/summary")).headers["ETag"]
    query_store.progress(0, 17, 20, NOON + 5)

    reply = await QueryApi(query_store.reader).get("sessions/analytics/summary", headers={"If-None-Match": tag})

    assert (reply.status_code, reply.headers["X-Complete-Through"]) == (304, "2026-01-20T12:00:00.005Z")


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("summary", {"start_date": "2026-01-02", "end_date": "2026-01-01"}, "end_date"),
        ("summary", {"start_date": "2020-01-01", "end_date": "2026-01-01"}, "start_date"),
        ("summary", {"start_date": "01/02/2026"}, "start_date"),
        ("summary", {"end_date": "2026-02-30"}, "end_date"),
        ("summary", {"end_date": "9999-12-31"}, "end_date"),
        ("summary", {"model": "opus"}, "model"),
        ("by-agent", {"model": "opus"}, "model"),
        ("by-user", {"model": "opus"}, "model"),
        ("by-user", {"page": 0}, "page"),
        ("by-agent", {"page": 1}, "page"),
        ("timeseries", {"interval": "month"}, "interval"),
        ("timeseries", {"metric": "events"}, "metric"),
        ("timeseries", {"model": "opus"}, "model"),
        ("timeseries", {"model": "opus", "metric": "users"}, "model"),
        ("cost-breakdown", {"interval": "day"}, "interval"),
    ],
    ids=str,
)
async def test_what_cannot_be_asked_for(path: str, params: dict[str, str], field: str, query_api: QueryApi) -> None:
    """Days, choices and parameters that make no sense are a 422 that names the parameter."""
    reply = await query_api.get(f"sessions/analytics/{path}", params)

    assert reply.status_code == 422, reply.text
    assert set(reply.json()["details"]) == {field}


def _store(store: QueryStore, rows: list[SessionRow]) -> None:
    if rows:
        store.put(*rows)
