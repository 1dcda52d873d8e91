"""Analytics over HTTP, on the real engine, compared with a slow count of the sessions."""

import json
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from schemas.store.rows import AmountsRow, ModelAmounts, SessionRow, ToolAmountsOf, ToolTotals
from tests.support.oracles import analytics as slow
from tests.support.rigs.query_store import DAY_MS, HOUR_MS, NOON, QueryApi, QueryStore, amounts_of, model, session
from tests.support.seeds import seeds

pytest_plugins = ["tests.support.rigs.query_fixtures"]

TODAY = date(2026, 1, 20)
PATHS = ("summary", "timeseries", "by-agent", "by-tool", "cost-breakdown", "by-user", "team-overview")
WORK = ("lines_added", "lines_removed", "commits", "pull_requests", "active_ms")
INTERVALS = ("hour", "day", "week")
METRICS = ("sessions", "cost", "tokens", "tool_calls", "users", *WORK[:-1], "active_seconds")
NAMES = (None, "a", "b", "ä'\\", "")
MODELS = ("opus", "haiku", "")
PARTS_OF = {"model": ("cost", "tokens"), "agent_name": ("cost", "tokens", "sessions", "tool_calls")}
NOTHING = slow.Range([], [])
ZONES = (None, "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati")
TOOLS = ("Bash", "mcp__docs__ä'\\", "edit", "")
orgs: Iterator[str] = (f"org-{number}" for number in count())


def any_session(draw: Random) -> dict[str, Any]:
    """Draw a session as changes of the builder, from few hours, days and names, so that sessions share them."""
    started_at = NOON - draw.randrange(5) * 9 * DAY_MS - draw.randrange(30) * HOUR_MS - draw.randrange(3)
    ended = draw.random() < 0.5
    used = draw.sample(MODELS, draw.randrange(len(MODELS) + 1))
    tools = [any_tool(draw, name) for name in draw.sample(TOOLS, draw.randrange(len(TOOLS) + 1))]
    return {
        "started_at": started_at,
        "last_event_at": draw.choice([None, started_at + draw.randrange(DAY_MS)]),
        "ended_at": started_at + 1 if ended else None,
        "outcome": draw.choice([None, "success", "failure", "timeout", "cancelled"]) if ended else None,
        "duration_ms": draw.choice([None, draw.randrange(10**8)]),
        "user_id": draw.choice(["alice", "bob", "carol"]),
        **{name: draw.choice(NAMES) for name in ("project_id", "repo", "agent_name")},
        "tool_calls": sum(tool.calls for tool in tools),  # as a projector counts them
        "tool_errors": sum(tool.errors for tool in tools),
        "tools": tools,
        **{name: draw.choice([0, draw.randrange(10**6)]) for name in WORK},
        "models": [model(name, draw.choices(range(10**6), k=5), draw.randrange(10**13)) for name in used],
    }


def any_tool(draw: Random, name: str) -> ToolTotals:
    """Draw counters from few values, so that tools share them; an error may have no call."""
    return ToolTotals(name, draw.randrange(3), draw.randrange(3), draw.choice([0, draw.randrange(1 << 48)]))


def any_amounts(draw: Random, row: SessionRow) -> list[AmountsRow]:
    """Draw what happened in a session at up to three times; a later correction may take away more than there was."""
    whole = amounts_of(row, row.started_at + draw.randrange(-1, 3) * 5 * HOUR_MS)
    pieces = [whole]
    for later in range(draw.randrange(3)):
        other = structs.replace(whole, bucket=whole.bucket + 900 * (1 + later) * draw.choice([1, 7, 96]))
        models = [ModelAmounts(one.model, *(draw.randrange(-9, 10**6) for _ in one[1:])) for one in whole.models]
        tools = [ToolAmountsOf(one.tool_name, draw.randrange(3), draw.randrange(-1, 2), 5) for one in whole.tools]
        work = {name: draw.randrange(-1, 9) for name in WORK}
        pieces.append(structs.replace(other, models=models, tools=tools, **work))
    return list({piece.bucket: piece for piece in pieces}.values())


def some_cuts(draw: Random, row: SessionRow) -> list[dict[str, str]]:
    """Return no filter, one for each dimension of ``row``, and one for two of them."""
    has = {name: getattr(row, name) for name in ("user_id", "project_id", "repo", "agent_name")}
    given_ = {name: value for name, value in has.items() if value is not None}
    two = dict(draw.sample(sorted(given_.items()), min(2, len(given_))))
    return [{}, *({name: value} for name, value in given_.items()), two]


@pytest.mark.parametrize("seed", seeds(3, 20))
async def test_analytics_are_what_a_recount_of_the_sessions_says(org_store: QueryStore, seed: int) -> None:
    """For any sessions, amounts, days, zone and cut, each reply is what counting one by one gives."""
    org, draw = next(orgs), Random(seed)
    stored = [session(org, **any_session(draw)) for _ in range(draw.randrange(1, 40))]
    every = slow.Range(stored, [one for row in stored for one in any_amounts(draw, row)])
    org_store.put_alone(*every.started)
    org_store.put_amounts(*every.happened)
    org_store.refresh()
    api = QueryApi(org_store.reader)
    tz = draw.choice(ZONES)
    zone = ZoneInfo(tz) if tz else UTC
    first, last = sorted(TODAY - timedelta(days) for days in draw.choice([(0, 40), (draw.randrange(41), 0), (9, 9)]))

    for cut in some_cuts(draw, stored[0]):
        found = slow.matching(every, org, first, last, zone, **cut)
        interval, metric, wanted = draw.choice(INTERVALS), draw.choice(METRICS), draw.choice([None, *MODELS])
        only = wanted if metric in ("cost", "tokens") else None
        asked = {
            "summary": {},
            "timeseries": {"interval": interval, "metric": metric, "model": only},
            "by-agent": {},
            "by-tool": {},
            "cost-breakdown": {"model": wanted},
            "by-user": {"per_page": 100},
            "team-overview": {},
        }
        days = {"start_date": first, "end_date": last, "tz": tz}
        replies = {
            path: (await api.get(f"sessions/analytics/{path}", {**days, **cut, **more}, org=org)).json()["data"]
            for path, more in asked.items()
        }

        assert replies["summary"] == slow.summary(found)
        assert replies["timeseries"] == slow.timeseries(found, first, last, interval, metric, only, zone)
        if by := _possible_part(draw, interval, metric):
            whole = {**asked["timeseries"], **days, **cut, "by": by}
            parts = (await api.get("sessions/analytics/timeseries", whole, org=org)).json()["data"]
            series = {
                name: slow.timeseries(group, first, last, interval, metric, model, zone)
                for name, (group, model) in _parts_of(found, by, only).items()
            }
            assert parts == slow.with_parts(replies["timeseries"], series)
        assert replies["by-agent"] == slow.by_agent(found)
        assert replies["by-tool"] == slow.by_tool(found)
        assert _has_the_uses_of(replies["summary"], replies["by-tool"])
        assert replies["cost-breakdown"] == slow.cost_breakdown(found, wanted, None)
        assert replies["by-user"] == slow.by_user(found)
        previous = first - (last - first) - timedelta(1), first - timedelta(1)
        before = slow.matching(every, org, *previous, zone, **cut)
        assert replies["team-overview"] == slow.team_overview(found, before, zone)
        assert _adds_up(replies["cost-breakdown"])


def _possible_part(draw: Random, interval: str, metric: str) -> str | None:
    """Draw one of the parts that a metric can be asked for by, if there are any; 41 days have too many hours."""
    possible = [by for by, metrics in PARTS_OF.items() if metric in metrics and interval != "hour"]
    return draw.choice(possible) if possible else None


def _parts_of(found: slow.Range, by: str, only: str | None) -> dict[str, tuple[slow.Range, str | None]]:
    """Return what is of each model or agent, and the model whose numbers are wanted."""
    if by == "model":
        return {name: (found, name) for name in MODELS if only in (None, name)}
    return {name: (group, only) for name, group in slow.grouped(found, by).items() if name is not None}


def as_they_started(rows: list[SessionRow]) -> slow.Range:
    """Return sessions all whose amounts happened as they started."""
    return slow.Range(rows, [amounts_of(row) for row in rows])


def _adds_up(breakdown: dict[str, Any]) -> bool:
    total = Decimal(repr(breakdown["total_cost_usd"]))
    lists = (breakdown[name] for name in ("by_model", "by_project", "by_user"))
    return all(sum(Decimal(repr(member["cost_usd"])) for member in members) == total for members in lists)


def _has_the_uses_of(summary: dict[str, Any], tools: list[dict[str, Any]]) -> bool:
    """Return whether tool calls and tool errors of the summary are the sums over all tools."""
    calls, errors = (sum(tool[name] for tool in tools) for name in ("calls", "errors"))
    return (summary["tool_calls"], summary["tool_error_rate"]) == (calls, slow.rate(errors, calls))


async def test_sessions_that_look_alike_count_one_by_one(query_store: QueryStore, query_api: QueryApi) -> None:
    """A day's first and last moments belong to it; every outcome counts; sessions without one come last."""
    midnight = NOON - 12 * HOUR_MS
    used: dict[str, Any] = {"tools": [ToolTotals("Bash", 3, 1, 20)], "tool_calls": 3, "tool_errors": 1}
    rows = [
        session(started_at=at, ended_at=at, duration_ms=1, outcome=outcome, agent_name=agent, user_id="bob", **used)
        for at in (midnight - 1, midnight, midnight + DAY_MS - 1, midnight + DAY_MS)
        for outcome in (None, "success", "failure", "timeout", "cancelled")
        for agent in (None, "a")
    ]
    query_store.put(*rows)
    found = slow.matching(as_they_started(rows), "acme", TODAY, TODAY)

    for cut in ({}, {"user_id": "bob"}):
        asked = {"start_date": TODAY, "end_date": TODAY, **cut}
        summary = (await query_api.get("sessions/analytics/summary", asked)).json()["data"]
        agents = (await query_api.get("sessions/analytics/by-agent", asked)).json()["data"]

        tools = (await query_api.get("sessions/analytics/by-tool", asked)).json()["data"]

        assert (summary["total_sessions"], summary["failed_sessions"]) == (20, 8)
        assert summary == slow.summary(found)
        assert agents == slow.by_agent(found)
        assert tools == slow.by_tool(found)
        assert [(tool["sessions"], tool["calls"]) for tool in tools] == [(20, 60)]


async def test_nothing_happened(query_api: QueryApi) -> None:
    """Without sessions counts are 0, lists are empty, averages and shares are null."""
    replies = {path: (await query_api.get(f"sessions/analytics/{path}")).json() for path in PATHS}

    assert replies["summary"]["data"] == slow.summary(NOTHING)
    assert [period["value"] for period in replies["timeseries"]["data"]] == [0] * 30
    assert replies["by-agent"]["data"] == replies["by-tool"]["data"] == replies["by-user"]["data"] == []
    assert replies["cost-breakdown"]["data"] == {"total_cost_usd": 0, "by_model": [], "by_project": [], "by_user": []}
    assert replies["by-user"]["meta"]["total_count"] == 0
    assert replies["team-overview"]["data"] == slow.team_overview(NOTHING, NOTHING)


async def test_a_member_sees_no_other_name(query_store: QueryStore, query_api: QueryApi) -> None:
    """For members and viewers the cost by user has only themselves; all other numbers are the org's."""
    rows = [session(user_id=user, models=[model("m", cost_nano=10)]) for user in ("alice", "bob", "bob")]
    query_store.put(*rows)

    for role in ("member", "viewer"):
        reply = await query_api.get("sessions/analytics/cost-breakdown", user="bob", role=role)
        names = [(await query_api.get("sessions/analytics/by-agent", user="bob", role=role)).text]

        assert reply.json()["data"] == slow.cost_breakdown(as_they_started(rows), None, "bob")
        assert "alice" not in reply.text + "".join(names)


async def test_shares_of_nothing_are_null(query_store: QueryStore, query_api: QueryApi) -> None:
    """Without costs, sessions are listed by name, the nameless last, with a share of null."""
    query_store.put(*(session(agent_name="x", project_id=name, models=[model("m")]) for name in (None, "q", "p")))

    agents = (await query_api.get("sessions/analytics/by-agent")).json()["data"]
    costs = (await query_api.get("sessions/analytics/cost-breakdown")).json()["data"]

    assert [agent["cost_share"] for agent in agents] == [None]
    assert [costs[members][0]["cost_share"] for members in ("by_model", "by_project", "by_user")] == [None] * 3
    assert [project["project_id"] for project in costs["by_project"]] == ["p", "q", None]


async def test_a_session_that_changes_moves_whole(query_store: QueryStore, query_api: QueryApi) -> None:
    """A session that moves to another project leaves nothing behind in the old one."""
    row = session(project_id="old", models=[model("m", cost_nano=5)])
    query_store.put(row)
    moved = {"session_id": row.session_id, "started_at": row.started_at, "models": row.models, "version": 2}
    query_store.put(session(project_id="new", **moved))

    projects = (await query_api.get("sessions/analytics/cost-breakdown")).json()["data"]["by_project"]

    assert [(project["project_id"], project["sessions"]) for project in projects] == [("new", 1)]


async def test_a_session_that_goes_on_counts_once(query_store: QueryStore, query_api: QueryApi) -> None:
    """Only the latest state of a session counts, even before the states are merged."""
    row = session(agent_name="a", tools=[ToolTotals("Bash", 1, 1, 5), ToolTotals("Edit", 1, 0, 5)])
    later = {"session_id": row.session_id, "started_at": row.started_at, "version": 2}
    query_store.put(row)
    query_store.put(session(agent_name="b", tools=[ToolTotals("Bash", 2, 1, 7)], **later))

    now, before = [
        (await query_api.get("sessions/analytics/by-tool", {"agent_name": agent})).json()["data"] for agent in "ba"
    ]

    whole = {"tool_name": "Bash", "sessions": 1, "calls": 2, "errors": 1, "tool_error_rate": 0.5}
    assert (now, before) == ([{**whole, "total_duration_ms": 7}], [])


async def test_the_tools_that_fail_most_come_first(query_store: QueryStore, query_api: QueryApi) -> None:
    """The order is by errors, calls and name. Without a call there is no rate."""
    counts = {"z": (1, 2), "y": (2, 1), "b": (2, 0), "B": (2, 0), "ä": (2, 0), "a": (1, 0), "c": (0, 0)}
    query_store.put(session(tools=[ToolTotals(name, *numbers, 0) for name, numbers in counts.items()]))

    tools = (await query_api.get("sessions/analytics/by-tool")).json()["data"]

    assert [tool["tool_name"] for tool in tools] == ["z", "y", "B", "b", "ä", "a", "c"]
    assert [tool["tool_error_rate"] for tool in tools] == [2, 0.5, 0, 0, 0, 0, None]


async def test_the_first_thousand_tools_are_listed(query_store: QueryStore, query_api: QueryApi) -> None:
    """Those left out have the fewest errors and calls."""
    tools = [ToolTotals(f"tool {n:04}", n // 2, n % 2, 0) for n in range(1_003)]
    query_store.put(session(tools=tools))

    listed = (await query_api.get("sessions/analytics/by-tool")).json()["data"]

    assert len(listed) == 1_000
    assert {tool.tool_name for tool in tools} - {tool["tool_name"] for tool in listed} == {
        *("tool 0000", "tool 0002", "tool 0004")
    }


async def test_pages_of_users(query_store: QueryStore, query_api: QueryApi) -> None:
    """`meta` is correct on every page, also past the end."""
    rows = [session(user_id=f"user-{n}") for n in range(5)]
    query_store.put(*rows)

    pages = [
        (await query_api.get("sessions/analytics/by-user", {"page": page, "per_page": 2})).json()
        for page in (1, 2, 3, 4)
    ]

    assert [user for page in pages for user in page["data"]] == slow.by_user(as_they_started(rows))
    assert [len(page["data"]) for page in pages] == [2, 2, 1, 0]
    assert [page["meta"]["total_count"] for page in pages] == [5] * 4
    assert {page["meta"]["total_pages"] for page in pages} == {3}


async def test_a_period_is_compared_with_the_one_before(query_store: QueryStore, query_api: QueryApi) -> None:
    """The period before has as many days, without a gap or an overlap."""
    midnight = NOON - 12 * HOUR_MS
    ago = {"current": (0, 1), "previous": (2, 3), "earlier": (4,)}
    for days in ago.values():
        query_store.put(
            *(session(started_at=midnight - day * DAY_MS + edge) for day in days for edge in (0, DAY_MS - 1))
        )

    asked = {"start_date": "2026-01-19", "end_date": "2026-01-20"}
    two_days = (await query_api.get("sessions/analytics/team-overview", asked)).json()["data"]
    asked = {"start_date": "1970-01-01", "end_date": "1970-01-02"}
    first_days = await query_api.get("sessions/analytics/team-overview", asked)

    assert (two_days["current"]["sessions"], two_days["previous"]["sessions"]) == (4, 4)
    assert two_days["change"] == {
        "sessions": 0,
        "active_users": 0,
        "sessions_per_user": 0,
        "cost_usd": None,
        "tokens": None,
    }
    assert (first_days.status_code, first_days.json()["data"]["previous"]["sessions"]) == (200, 0)


async def test_the_busiest_hours_are_by_weekday_in_utc(query_store: QueryStore, query_api: QueryApi) -> None:
    """There are seven lists of 24, Monday first; the last moment of an hour belongs to it."""
    query_store.put(
        session(started_at=NOON), session(started_at=NOON + HOUR_MS - 1), session(started_at=NOON - 2 * DAY_MS)
    )

    grid = (await query_api.get("sessions/analytics/team-overview")).json()["data"]["busiest_hours"]

    busy = {(day, hour): count for day, hours in enumerate(grid) for hour, count in enumerate(hours) if count}
    assert [len(hours) for hours in grid] == [24] * 7
    assert busy == {(1, 12): 2, (6, 12): 1}  # 2026-01-20 is a Tuesday


async def test_the_ten_most_used_come_first(query_store: QueryStore, query_api: QueryApi) -> None:
    """The order is by sessions, cost and name, the nameless last; at most ten are listed."""
    rows = [
        session(agent_name=f"a{n:02}", project_id=None if n else "p") for n in range(12) for _ in range(1 + n // 11)
    ]
    query_store.put(*rows, session(agent_name="a05", models=[model("m", cost_nano=1)]))

    data = (await query_api.get("sessions/analytics/team-overview")).json()["data"]

    names = ["a05", "a11", "a00", "a01", "a02", "a03", "a04", "a06", "a07", "a08"]
    assert [agent["agent_name"] for agent in data["top_agents"]] == names
    assert [project["project_id"] for project in data["top_projects"]] == [None, "p"]


async def test_large_sums_add_up_to_the_nano_dollar(query_store: QueryStore, query_api: QueryApi) -> None:
    """Sums beyond the precision of a double have all their decimals."""
    costs = (123_456_789_123_456_789, 9_000_000_000_000_001, 8_388_607_999_999_999, 1)
    query_store.put(*(session(project_id=f"p{cost}", models=[model("m", cost_nano=cost)]) for cost in costs))

    reply = await query_api.get("sessions/analytics/cost-breakdown")
    total = json.loads(reply.text, parse_float=Decimal)["data"]

    assert total["total_cost_usd"] == Decimal(sum(costs)) / 10**9
    assert [project["cost_usd"] for project in total["by_project"]] == [Decimal(cost) / 10**9 for cost in costs]
    for path in PATHS:
        assert (await query_api.get(f"sessions/analytics/{path}", {"project_id": f"p{costs[0]}"})).status_code == 200
    assert (await query_api.get("sessions")).status_code == 200


async def test_800_days_by_hour_are_asked_in_parts(query_store: QueryStore, query_api: QueryApi) -> None:
    """A store server refuses a list as long as that of their hours. Each session is in one part."""
    rows = [session(started_at=NOON - days * DAY_MS) for days in range(0, 800, 7)]
    query_store.put(*rows)
    asked = {"start_date": "2023-11-13", "end_date": "2026-01-20", "interval": "hour", "tz": "Asia/Kathmandu"}

    hours = (await query_api.get("sessions/analytics/timeseries", asked)).json()["data"]

    assert len(hours) == 800 * 24
    assert sum(hour["value"] for hour in hours) == len(rows)
    assert hours[-1]["period_start"] == "2026-01-20T17:15:00.000Z"


async def test_a_week_starts_on_its_monday(query_store: QueryStore, query_api: QueryApi) -> None:
    """The first week has the date of its Monday, even before the first day, and counts only requested days."""
    query_store.put(session(started_at=NOON - 1 * DAY_MS), session(started_at=NOON))

    reply = await query_api.get(
        "sessions/analytics/timeseries", {"interval": "week", "start_date": "2026-01-20", "end_date": "2026-01-26"}
    )

    assert reply.json()["data"] == [
        {"period_start": "2026-01-19T00:00:00.000Z", "value": 1},
        {"period_start": "2026-01-26T00:00:00.000Z", "value": 0},
    ]


async def test_numbers_say_how_complete_they_are(query_store: QueryStore, query_api: QueryApi) -> None:
    """`meta` has the time up to which analytics are complete, and the number of waiting records."""
    query_store.progress(0, 17, 20, NOON + 5)

    for path in PATHS:
        reply = await query_api.get(f"sessions/analytics/{path}")

        assert reply.headers["X-Complete-Through"] == "2026-01-20T12:00:00.005Z"
        assert reply.json()["meta"]["complete_through"] == "2026-01-20T12:00:00.005Z"
        assert reply.json()["meta"]["lag_records"] == 3


async def test_tools_are_as_fresh_as_the_sessions(query_store: QueryStore, query_api: QueryApi) -> None:
    """`by-tool` shows, claims and waits for the contents of sessions; the summary does so for the rollups."""
    row = session(tools=[ToolTotals("Bash", 1, 0, 5)], tool_calls=1)
    query_store.put_alone(row)
    query_store.put_amounts(amounts_of(row))
    query_store.progress(0, 17, 20, NOON + 5)
    query_store.rolled_up(0, 12, NOON + 2)
    written = {"X-Wait-For-Position": "0:16"}

    tools = await query_api.get("sessions/analytics/by-tool", headers=written)
    summary = await query_api.get("sessions/analytics/summary")
    waiting = await QueryApi(query_store.reader, wait_s=0.1).get("sessions/analytics/summary", headers=written)

    shown = {
        path: (reply.json()["meta"]["lag_records"], reply.headers["X-Complete-Through"])
        for path, reply in (("by-tool", tools), ("summary", summary))
    }
    assert shown == {"by-tool": (3, "2026-01-20T12:00:00.005Z"), "summary": (8, "2026-01-20T12:00:00.002Z")}
    assert (tools.json()["data"][0]["calls"], summary.json()["data"]["tool_calls"]) == (1, 0)
    assert waiting.status_code == 503


async def test_fresher_is_not_other(query_store: QueryStore, query_api: QueryApi) -> None:
    """The tag of equal numbers does not change with time."""
    tag = (await query_api.get("sessions/analytics/summary")).headers["ETag"]
    query_store.progress(0, 17, 20, NOON + 5)

    reply = await QueryApi(query_store.reader).get("sessions/analytics/summary", headers={"If-None-Match": tag})

    assert (reply.status_code, reply.headers["X-Complete-Through"]) == (304, "2026-01-20T12:00:00.005Z")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("summary", {"start_date": "2026-01-02", "end_date": "2026-01-01"}, "end_date"),
    ("summary", {"start_date": "2020-01-01", "end_date": "2026-01-01"}, "start_date"),
    ("summary", {"start_date": "01/02/2026"}, "start_date"),
    ("summary", {"end_date": "2026-02-30"}, "end_date"),
    ("summary", {"end_date": "9999-12-31"}, "end_date"),
    ("summary", {"start_date": "2023-11-11", "end_date": "2026-01-19"}, "start_date"),
    ("summary", {"model": "opus"}, "model"),
    ("team-overview", {"model": "opus"}, "model"),
    ("team-overview", {"page": 1}, "page"),
    ("by-agent", {"model": "opus"}, "model"),
    ("by-tool", {"model": "opus"}, "model"),
    ("by-tool", {"page": 1}, "page"),
    ("by-user", {"model": "opus"}, "model"),
    ("by-user", {"page": 0}, "page"),
    ("by-agent", {"page": 1}, "page"),
    ("timeseries", {"interval": "month"}, "interval"),
    ("timeseries", {"metric": "events"}, "metric"),
    ("timeseries", {"model": "opus"}, "model"),
    ("timeseries", {"model": "opus", "metric": "users"}, "model"),
    ("timeseries", {"by": "user_id"}, "by"),
    ("timeseries", {"by": "model", "metric": "sessions"}, "by"),
    ("timeseries", {"by": "agent_name", "metric": "users"}, "by"),
    (
        "timeseries",
        {"by": "agent_name", "interval": "hour", "start_date": "2026-01-01", "end_date": "2026-02-28"},
        "by",
    ),
    ("cost-breakdown", {"interval": "day"}, "interval"),
]


async def test_what_cannot_be_asked_for(query_api: QueryApi) -> None:
    """Invalid days, choices and parameters are a 422 that names the parameter."""
    for path, params, field in REFUSED:
        reply = await query_api.get(f"sessions/analytics/{path}", params)

        assert reply.status_code == 422, (path, params, reply.text)
        assert set(reply.json()["details"]) == {field}, (path, params)


@pytest.mark.parametrize("path", PATHS)
async def test_days_that_cannot_be_asked_for(path: str, query_api: QueryApi) -> None:
    """On every path an end before the start, or more than 800 days, is a 422; 800 days are not."""
    for params, field in (
        ({"start_date": "2026-01-02", "end_date": "2026-01-01"}, "end_date"),
        ({"start_date": "2023-11-11", "end_date": "2026-01-19"}, "start_date"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"since": "2026-01-01"}, "since"),
    ):
        reply = await query_api.get(f"sessions/analytics/{path}", params)
        assert (reply.status_code, reply.json()["code"], set(reply.json()["details"])) == (422, "invalid", {field})
    longest = {"start_date": "2023-11-12", "end_date": "2026-01-19"}
    assert (await query_api.get(f"sessions/analytics/{path}", longest)).status_code == 200
