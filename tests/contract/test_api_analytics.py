"""API section "Analytics", compared with a slow count of the sent sessions."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest

from schemas.permissions import Role
from tests.support.rigs.installation import Installation, eventually_ok

FIRST, LAST = date(2026, 1, 5), date(2026, 1, 18)  # two weeks, from a Monday to a Sunday
COSTS = ("0.1", "0.2", "0.3", "0.000000001", "1234.567890123", "7", "0.045", "33.3")


class Use(NamedTuple):
    """A tool call, as it was sent."""

    tool: str
    failed: bool
    ms: int


class SentSession(NamedTuple):
    """A session as it was sent."""

    user: str
    agent: str | None
    project: str | None
    repo: str | None
    started: datetime
    model: str
    tokens: int
    usd: Decimal
    outcome: str | None  # "" is an end without an outcome, None means no end
    seconds: int
    uses: tuple[Use, ...]


def sessions_to_send() -> list[SentSession]:
    """Return sessions in the two weeks and the two before, of a few users, agents, projects and models."""
    return [
        SentSession(
            user="abc"[number % 3],
            agent=("reviewer", "writer", None)[number * 7 % 3],
            project=("p1", "p2", None)[number // 2 % 3],
            repo=("acme/web", None)[number // 3 % 2],
            started=datetime(2025, 12, 22, 23, 59, 59, tzinfo=UTC) + timedelta(days=number * 5 % 28, hours=number * 3),
            model=("opus", "haiku")[number % 2],
            tokens=number * 11,
            usd=Decimal(COSTS[number % len(COSTS)]),
            outcome=("success", "failure", "timeout", "cancelled", "", None)[number % 6],
            seconds=number * 13,
            uses=tuple(
                Use(("Bash", "Edit", "mcp__docs__search")[(number + n) % 3], (number * n) % 4 == 1, number * 10 + n)
                for n in range(number % 4)
            ),
        )
        for number in range(36)
    ]


class Counted:
    """An org whose sessions have all been sent and projected."""

    def __init__(self, installation: Installation, org: str, sessions: list[SentSession]) -> None:
        self.installation, self.org, self.sessions = installation, org, sessions
        self.positions = [self._send(session) for session in sessions]

    def ask(self, path: str, role: Role = "admin", user: str = "a", **params: Any) -> httpx.Response:
        with self.installation.client(org=self.org, user=user, role=role) as client:
            days = {"start_date": str(FIRST), "end_date": str(LAST)}
            given = {name: value for name, value in {**days, **params}.items() if value is not None}
            headers = {"X-Wait-For-Position": ",".join(self.positions)}
            return client.get(f"/api/v1/{self.org}/sessions/analytics/{path}", params=given, headers=headers)

    def data(self, path: str, **params: Any) -> Any:
        reply = self.ask(path, **params)
        assert reply.status_code == 200, reply.text
        return json.loads(reply.text, parse_float=Decimal)["data"]

    def within(self, first: date = FIRST, last: date = LAST, **cut: str) -> list[SentSession]:
        return [
            session
            for session in self.sessions
            if first <= session.started.date() <= last
            if all(getattr(session, name) == value for name, value in cut.items())
        ]

    def _send(self, session: SentSession) -> str:
        """Create, report and end the session; return the position of the last write."""
        started = session.started.isoformat()
        created = {
            "agent_name": session.agent,
            "project_id": session.project,
            "started_at": started,
            "trigger": "import",
        }
        created["remote_url"] = session.repo and f"https://example.com/{session.repo}.git"
        used = {"model": session.model, "input_tokens": session.tokens, "cost_usd": float(session.usd)}
        report = {**used, "reported_at": started}
        ended = (session.started + timedelta(seconds=session.seconds)).isoformat()
        with self.installation.client(org=self.org, user=session.user, role="member") as client:
            path = f"/api/v1/{self.org}/sessions"
            path += "/" + eventually_ok(client, "POST", path, json=created).json()["data"]["id"]
            if session.uses:
                events = f"/api/v1/{self.org}/observability{path.removeprefix(f'/api/v1/{self.org}')}/events"
                eventually_ok(client, "POST", events, json={"events": list(_events(session))})
            last = eventually_ok(client, "PATCH", path, json={"model_metrics": report})
            if session.outcome is not None:
                end = {"outcome": session.outcome or None, "ended_at": ended}
                last = eventually_ok(client, "POST", f"{path}/end", json=end)
            return str(last.headers["X-Log-Position"])


def _events(session: SentSession) -> Iterator[dict[str, Any]]:
    """Yield the start and the outcome of each call."""
    for number, use in enumerate(session.uses):
        called = {"tool_name": use.tool, "tool_use_id": f"toolu_{number}"}
        outcome = "PostToolUseFailure" if use.failed else "PostToolUse"
        for kind, data in (("PreToolUse", called), (outcome, {**called, "duration_ms": use.ms})):
            yield {"event_type": kind, "timestamp": session.started.isoformat(), "data": data}


@pytest.fixture(scope="module")
def counted(installation: Installation) -> Counted:
    return Counted(installation, f"org-analytics-{installation.kind}", sessions_to_send())


def usd(sessions: list[SentSession]) -> Decimal:
    return sum((session.usd for session in sessions), Decimal())


def tokens(sessions: list[SentSession]) -> int:
    return sum(session.tokens for session in sessions)


def uses(sessions: list[SentSession]) -> list[Use]:
    return [use for session in sessions for use in session.uses]


def error_rate(found: list[Use]) -> Any:
    return near(sum(use.failed for use in found), len(found))


def average_s(sessions: list[SentSession]) -> Any:
    ended = [session.seconds for session in sessions if session.outcome is not None]
    return pytest.approx(Decimal(sum(ended)) / len(ended), abs=Decimal("1e-9")) if ended else None


def near(part: Decimal | int, whole: Decimal | int) -> Any:
    return pytest.approx(Decimal(part) / whole, abs=Decimal("1e-9")) if whole else None


def grouped(sessions: list[SentSession], key: Callable[[SentSession], Any]) -> dict[Any, list[SentSession]]:
    return {name: [session for session in sessions if key(session) == name] for name in map(key, sessions)}


NO_WORK = dict.fromkeys(("lines_added", "lines_removed", "commits", "pull_requests", "active_seconds"), 0)
CUTS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({}, {}),
    ({"project_id": "p1"}, {"project": "p1"}),
    ({"agent_name": "writer"}, {"agent": "writer"}),
    ({"repo": "acme/web"}, {"repo": "acme/web"}),
    ({"user_id": "b"}, {"user": "b"}),
    ({"repo": "acme/web", "user_id": "c", "project_id": "p2"}, {"repo": "acme/web", "user": "c", "project": "p2"}),
    ({"project_id": "unused"}, {"project": "unused"}),
]


def test_every_filter_on_every_path(counted: Counted) -> None:
    """Totals, lists and series cover the sessions that started in the range and match the filters."""
    for asked, cut in CUTS:
        found = counted.within(**cut)
        before = counted.within(date(2025, 12, 22), date(2026, 1, 4), **cut)

        _check_summary(counted.data("summary", **asked), found)
        _check_agents(counted.data("by-agent", **asked), found)
        _check_tools(counted.data("by-tool", **asked), found)
        _check_users(counted.data("by-user", **asked), found)
        _check_costs(counted.data("cost-breakdown", **asked), found)
        _check_team(counted.data("team-overview", **asked), found, before)
        series = counted.data("timeseries", **asked)
        assert [period["value"] for period in series] == [
            sum(session.started.date() == FIRST + timedelta(n) for session in found) for n in range(14)
        ]


def _check_summary(data: dict[str, Any], found: list[SentSession]) -> None:
    outcomes = Counter(session.outcome for session in found)
    assert data == {
        "total_sessions": len(found),
        "active_sessions": outcomes[None],
        "ended_sessions": len(found) - outcomes[None],
        "failed_sessions": outcomes["failure"] + outcomes["timeout"],
        "total_cost_usd": usd(found),
        "total_tokens": tokens(found),
        "input_tokens": tokens(found),
        **dict.fromkeys(("output_tokens", "cache_read_tokens", "cache_creation_tokens"), 0),
        "avg_duration_seconds": average_s(found),
        "avg_cost_usd_per_session": near(usd(found), len(found)),
        "unique_users": len({session.user for session in found}),
        "tool_calls": len(uses(found)),
        "tool_error_rate": error_rate(uses(found)),
        **NO_WORK,
    }


def _check_agents(data: list[dict[str, Any]], found: list[SentSession]) -> None:
    assert [agent["cost_usd"] for agent in data] == sorted((agent["cost_usd"] for agent in data), reverse=True)
    assert {agent["agent_name"]: agent for agent in data} == {
        name: {
            "agent_name": name,
            "sessions": len(group),
            "cost_usd": usd(group),
            "tokens": tokens(group),
            "avg_duration_seconds": average_s(group),
            "users": len({session.user for session in group}),
            "tool_error_rate": error_rate(uses(group)),
            "cost_share": near(usd(group), usd(found)),
            **NO_WORK,
        }
        for name, group in grouped(found, lambda session: session.agent).items()
    }


def _check_tools(data: list[dict[str, Any]], found: list[SentSession]) -> None:
    """Check numbers and order. The sums equal those of the summary, whose check counts the same calls."""
    places = [(-tool["errors"], -tool["calls"], tool["tool_name"]) for tool in data]
    assert places == sorted(places)
    assert {tool["tool_name"]: tool for tool in data} == {
        name: {
            "tool_name": name,
            "sessions": sum(any(use.tool == name for use in session.uses) for session in found),
            "calls": len(group),
            "errors": sum(use.failed for use in group),
            "tool_error_rate": error_rate(group),
            "total_duration_ms": sum(use.ms for use in group),
        }
        for name in {use.tool for use in uses(found)}
        for group in [[use for use in uses(found) if use.tool == name]]
    }


def _check_users(data: list[dict[str, Any]], found: list[SentSession]) -> None:
    groups = grouped(found, lambda session: session.user)
    assert {user["user_id"] for user in data} == set(groups)
    for user in data:
        group = groups[user["user_id"]]
        agents = Counter(session.agent for session in group)
        assert agents[user["top_agent"]] == max(agents.values())
        assert (user["sessions"], user["cost_usd"], user["tokens"]) == (len(group), usd(group), tokens(group))
        assert user["avg_duration_seconds"] == average_s(group)
        assert user["last_active_at"].endswith("Z")
        assert {name: user[name] for name in NO_WORK} == NO_WORK


def _check_costs(data: dict[str, Any], found: list[SentSession]) -> None:
    assert data["total_cost_usd"] == usd(found)
    lists: dict[str, tuple[str, Callable[[SentSession], Any]]] = {
        "by_model": ("model", lambda session: session.model),
        "by_project": ("project_id", lambda session: session.project),
        "by_user": ("user_id", lambda session: session.user),
    }
    for name, (field, key) in lists.items():
        assert sum((member["cost_usd"] for member in data[name]), Decimal()) == data["total_cost_usd"]
        assert {member[field]: member for member in data[name]} == {
            member: {
                field: member,
                "sessions": len(group),
                "cost_usd": usd(group),
                "tokens": tokens(group),
                "cost_share": near(usd(group), usd(found)),
            }
            for member, group in grouped(found, key).items()
        }


def _check_team(data: dict[str, Any], found: list[SentSession], before: list[SentSession]) -> None:
    assert set(data) == {"current", "previous", "change", "top_agents", "top_projects", "busiest_hours"}
    now, past = _period(found), _period(before)
    assert (data["current"], data["previous"]) == (now, past)
    for name, value in data["change"].items():
        assert value == (near(now[name] - past[name], past[name]) if past[name] and now[name] is not None else None)
    assert {"sessions", "active_users", "cost_usd", "tokens"} <= set(data["change"])
    agents = grouped(found, lambda session: session.agent)
    projects = grouped(found, lambda session: session.project)
    assert {top["agent_name"]: top["sessions"] for top in data["top_agents"]} == {a: len(g) for a, g in agents.items()}
    assert {top["project_id"]: top["cost_usd"] for top in data["top_projects"]} == {
        p: usd(g) for p, g in projects.items()
    }
    grid = [[0] * 24 for _ in range(7)]
    for session in found:
        grid[session.started.weekday()][session.started.hour] += 1
    assert data["busiest_hours"] == grid


def _period(found: list[SentSession]) -> dict[str, Any]:
    outcomes = Counter(session.outcome or "none" for session in found)
    users = len({session.user for session in found})
    per_user = Decimal(repr(len(found) / users)) if users else None
    return {
        "active_users": users,
        "sessions": len(found),
        "sessions_per_user": per_user,
        "cost_usd": usd(found),
        "tokens": tokens(found),
        "outcomes": {name: outcomes[name] for name in ("success", "failure", "timeout", "cancelled", "none")},
    }


def test_timeseries_of_every_metric_and_interval(counted: Counted) -> None:
    """Gaps are 0. Weeks are ISO weeks, named by their Monday even if that is before the first day."""
    found = counted.within()
    metrics: dict[str, Callable[[list[SentSession]], Any]] = {
        "sessions": len,
        "cost": usd,
        "tokens": tokens,
        "tool_calls": lambda group: len(uses(group)),
        "users": lambda group: len({session.user for session in group}),
    }
    for metric, measure in metrics.items():
        hours = counted.data("timeseries", metric=metric, interval="hour")
        weeks = counted.data("timeseries", metric=metric, interval="week", start_date="2026-01-07")

        assert len(hours) == 14 * 24
        assert hours[0]["period_start"] == "2026-01-05T00:00:00.000Z"
        by_hour = grouped(found, lambda session: f"{session.started:%Y-%m-%dT%H}:00:00.000Z")
        assert hours == [
            {"period_start": period["period_start"], "value": measure(by_hour.get(period["period_start"], []))}
            for period in hours
        ]
        first = counted.within(date(2026, 1, 7), date(2026, 1, 11))
        second = counted.within(date(2026, 1, 12), LAST)
        assert weeks == [
            {"period_start": "2026-01-05T00:00:00.000Z", "value": measure(first)},
            {"period_start": "2026-01-12T00:00:00.000Z", "value": measure(second)},
        ]


def test_model_filters_what_belongs_to_models(counted: Counted) -> None:
    """`model` filters cost-breakdown, and cost and tokens of timeseries; elsewhere it is a 422."""
    opus = counted.within(model="opus")

    costs = counted.data("cost-breakdown", model="opus")
    series = counted.data("timeseries", metric="cost", model="opus")
    token_series = counted.data("timeseries", metric="tokens", model="opus", user_id="a")

    _check_costs(costs, opus)
    assert sum((period["value"] for period in series), Decimal()) == usd(opus)
    assert sum(period["value"] for period in token_series) == tokens(counted.within(model="opus", user="a"))
    for path in ("summary", "by-agent", "by-tool", "by-user", "team-overview", "tool-errors"):
        assert _refused(counted.ask(path, model="opus")) == {"model"}
    for metric in ("sessions", "tool_calls", "users"):
        assert _refused(counted.ask("timeseries", model="opus", metric=metric)) == {"model"}


def test_the_default_is_the_last_30_days(counted: Counted) -> None:
    """The default range ends today."""
    today = datetime.now(UTC).date()
    series = counted.data("timeseries", start_date=None, end_date=None)
    assert len(series) == 30
    assert today - date.fromisoformat(series[-1]["period_start"][:10]) <= timedelta(1)


def _refused(reply: httpx.Response) -> set[str]:
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid"), reply.text
    return set(reply.json()["details"])


def test_who_sees_which_names(counted: Counted) -> None:
    """Members and viewers see the org's numbers, but no user names except their own."""
    roles: tuple[Role, ...] = ("member", "viewer")
    whole = counted.data("cost-breakdown")
    for role in roles:
        data = counted.data("cost-breakdown", role=role, user="b")
        assert data["by_user"] == [user for user in whole["by_user"] if user["user_id"] == "b"]
        assert {**data, "by_user": []} == {**whole, "by_user": []}
        assert counted.ask("by-user", role=role, user="b").status_code == 403
        for path in ("summary", "timeseries", "by-agent", "by-tool", "cost-breakdown", "team-overview", "tool-errors"):
            assert counted.ask(path, role=role, user="b", user_id="a").status_code == 403
            own = counted.ask(path, role=role, user="b", user_id="b")
            assert own.json()["data"] == counted.ask(path, user_id="b").json()["data"]
            assert own.json()["meta"].keys() >= {"complete_through", "lag_records"}
