"""Independent analytics to compare with: slow and simple, one pass over the sessions in Python."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from schemas.store.rows import SessionRow, ToolTotals

Sessions = list[SessionRow]


def day_of(row: SessionRow) -> date:
    return datetime.fromtimestamp(row.started_at // 1000, UTC).date()


def matching(rows: Iterable[SessionRow], org: str, first: date, last: date, **cut: str | None) -> Sessions:
    """Return the sessions of an org that started on these days and have these dimensions."""
    wanted = {name: value for name, value in cut.items() if value is not None}
    return [
        row
        for row in rows
        if row.org_id == org and first <= day_of(row) <= last
        if all(getattr(row, name) == value for name, value in wanted.items())
    ]


def summary(rows: Sessions) -> dict[str, Any]:
    ended = [row for row in rows if row.ended_at is not None]
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    tokens = {kind: sum(getattr(row, kind) for row in rows) for kind in kinds}
    return {
        "total_sessions": len(rows),
        "active_sessions": len(rows) - len(ended),
        "ended_sessions": len(ended),
        "failed_sessions": sum(row.outcome in ("failure", "timeout") for row in rows),
        "total_cost_usd": usd(cost(rows)),
        "total_tokens": sum(tokens.values()),
        **tokens,
        "avg_duration_seconds": average_s(rows),
        "avg_cost_usd_per_session": rate(usd(cost(rows)), len(rows)),
        "unique_users": len({row.user_id for row in rows}),
        "tool_calls": sum(row.tool_calls for row in rows),
        "tool_error_rate": error_rate(rows),
        **work(rows),
    }


def timeseries(rows: Sessions, first: date, last: date, interval: str, metric: str, model: str | None) -> list[Any]:
    buckets: dict[datetime, Sessions] = {at: [] for at in _periods(first, last, interval)}
    for row in rows:
        buckets[_period_of(datetime.fromtimestamp(row.started_at // 1000, UTC), interval)].append(row)
    return [
        {"period_start": f"{at:%Y-%m-%dT%H:%M:%S}.000Z", "value": _METRICS[metric](bucket, model)}
        for at, bucket in buckets.items()
    ]


def by_agent(rows: Sessions) -> list[dict[str, Any]]:
    members = [
        {
            "agent_name": agent,
            **_use(group),
            "avg_duration_seconds": average_s(group),
            "users": len({row.user_id for row in group}),
            "tool_error_rate": error_rate(group),
            "cost_share": rate(cost(group), cost(rows)),
            **work(group),
        }
        for agent, group in grouped(rows, lambda row: row.agent_name).items()
    ]
    return sorted(members, key=lambda member: _by_cost(member, "agent_name"))


def by_tool(rows: Sessions) -> list[dict[str, Any]]:
    uses: dict[str, list[ToolTotals]] = defaultdict(list)
    for row in rows:
        for tool in row.tools:
            uses[tool.tool_name].append(tool)
    members = []
    for name, totals in uses.items():
        calls, errors, took_ms = (sum(getattr(tool, field) for tool in totals) for field in ToolTotals._fields[1:])
        counts = {"sessions": len(totals), "calls": calls, "errors": errors, "total_duration_ms": took_ms}
        members.append({"tool_name": name, **counts, "tool_error_rate": rate(errors, calls)})
    return sorted(members, key=lambda member: (-member["errors"], -member["calls"], member["tool_name"]))


def by_user(rows: Sessions) -> list[dict[str, Any]]:
    members = [
        {
            "user_id": user,
            **_use(group),
            "avg_duration_seconds": average_s(group),
            "last_active_at": _instant(max(row.last_event_at or row.started_at for row in group)),
            "top_agent": _top(row.agent_name for row in group),
            **work(group),
        }
        for user, group in grouped(rows, lambda row: row.user_id).items()
    ]
    return sorted(members, key=lambda member: _by_cost(member, "user_id"))


def cost_breakdown(rows: Sessions, model: str | None, viewer: str | None) -> dict[str, Any]:
    if model is not None:
        rows = [row for row in rows if any(use.model == model for use in row.models)]
    names = {use.model for row in rows for use in row.models if model in (None, use.model)}
    models = {name: [row for row in rows if any(use.model == name for use in row.models)] for name in names}
    users = {user: group for user, group in grouped(rows, lambda row: row.user_id).items() if viewer in (None, user)}
    total = cost(rows, model)
    return {
        "total_cost_usd": usd(total),
        "by_model": _members("model", models, total),
        "by_project": _members("project_id", grouped(rows, lambda row: row.project_id), total, model),
        "by_user": _members("user_id", users, total, model),
    }


def _members(field: str, groups: dict[Any, Sessions], total: int, model: str | None = None) -> list[dict[str, Any]]:
    members = []
    for name, group in groups.items():
        only = name if field == "model" else model
        members.append({field: name, **_use(group, only), "cost_share": rate(cost(group, only), total)})
    return sorted(members, key=lambda member: _by_cost(member, field))


def team_overview(current: Sessions, previous: Sessions, top: int = 10) -> dict[str, Any]:
    now, before = _team_period(current), _team_period(previous)
    names = ("active_users", "sessions", "sessions_per_user", "cost_usd", "tokens")
    grid = [[0] * 24 for _ in range(7)]
    for row in current:
        at = datetime.fromtimestamp(row.started_at // 1000, UTC)
        grid[at.weekday()][at.hour] += 1
    return {
        "current": now,
        "previous": before,
        "change": {name: _change(now[name], before[name]) for name in names},
        "top_agents": _most_used(grouped(current, lambda row: row.agent_name), "agent_name")[:top],
        "top_projects": _most_used(grouped(current, lambda row: row.project_id), "project_id")[:top],
        "busiest_hours": grid,
    }


def _team_period(rows: Sessions) -> dict[str, Any]:
    users = {row.user_id for row in rows}
    outcomes = Counter(row.outcome or "none" for row in rows)
    return {
        "active_users": len(users),
        **_use(rows),
        "sessions_per_user": rate(len(rows), len(users)),
        "outcomes": {name: outcomes[name] for name in ("success", "failure", "timeout", "cancelled", "none")},
    }


def _change(now: float | None, before: float | None) -> Any:
    """Return the relative change, as precise as floats allow."""
    return None if not before or now is None else pytest.approx((now - before) / before, abs=1e-12)


def _most_used(groups: dict[Any, Sessions], field: str) -> list[dict[str, Any]]:
    members = [{field: name, **_use(group)} for name, group in groups.items()]
    return sorted(members, key=lambda member: (-member["sessions"], *_by_cost(member, field)))


def _use(rows: Sessions, model: str | None = None) -> dict[str, float]:
    return {"sessions": len(rows), "cost_usd": usd(cost(rows, model)), "tokens": tokens(rows, model)}


def cost(rows: Sessions, model: str | None = None) -> int:
    return sum(use.cost_nano for row in rows for use in row.models if model in (None, use.model))


def tokens(rows: Sessions, model: str | None = None) -> int:
    return sum(sum(use[1:5]) for row in rows for use in row.models if model in (None, use.model))


def work(rows: Sessions) -> dict[str, float]:
    names = ("lines_added", "lines_removed", "commits", "pull_requests")
    sums = {name: sum(getattr(row, name) for row in rows) for name in names}
    return {**sums, "active_seconds": sum(row.active_ms for row in rows) / 1000}


def grouped(rows: Sessions, key: Callable[[SessionRow], Any]) -> dict[Any, Sessions]:
    groups: dict[Any, Sessions] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def average_s(rows: Sessions) -> float | None:
    durations = [row.duration_ms or 0 for row in rows if row.ended_at is not None]
    return rate(sum(durations) / 1000, len(durations))


def error_rate(rows: Sessions) -> float | None:
    return rate(sum(row.tool_errors for row in rows), sum(row.tool_calls for row in rows))


def rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def usd(nano: int) -> float:
    return float(Fraction(nano, 10**9))


def _work_of(name: str, rows: Sessions, _model: str | None) -> float:
    return work(rows)[name]


_METRICS: dict[str, Callable[[Sessions, str | None], float]] = {
    "sessions": lambda rows, _model: len(rows),
    "cost": lambda rows, model: usd(cost(rows, model)),
    "tokens": lambda rows, model: tokens(rows, model),
    "tool_calls": lambda rows, _model: sum(row.tool_calls for row in rows),
    "users": lambda rows, _model: len({row.user_id for row in rows}),
    **{name: partial(_work_of, name) for name in ("lines_added", "lines_removed", "commits", "pull_requests")},
    "active_seconds": partial(_work_of, "active_seconds"),
}


def _by_cost(member: dict[str, Any], field: str) -> tuple[Any, ...]:
    return -member["cost_usd"], member[field] is None, member[field] or ""


def _top(agents: Iterable[str | None]) -> str | None:
    counts = Counter(agents)
    return min(counts, key=lambda agent: (-counts[agent], agent is None, agent or ""))


def _periods(first: date, last: date, interval: str) -> Iterable[datetime]:
    at = _period_of(datetime(first.year, first.month, first.day, tzinfo=UTC), interval)
    while at.date() <= last:
        yield at
        at += timedelta(hours=1) if interval == "hour" else timedelta(days=7 if interval == "week" else 1)


def _period_of(at: datetime, interval: str) -> datetime:
    if interval == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=at.weekday() if interval == "week" else 0)


def _instant(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
