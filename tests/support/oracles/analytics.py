"""Independent analytics to compare with: slow and simple, one pass over sessions and amounts in Python."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import pytest

from schemas.store.rows import AmountsRow, SessionRow, ToolAmountsOf

WORK = ("lines_added", "lines_removed", "commits", "pull_requests")


class Range(NamedTuple):
    """The sessions that started in some days, and what happened in them in any session."""

    started: list[SessionRow]
    happened: list[AmountsRow]


def day_of(ms: int, zone: tzinfo = UTC) -> date:
    """Return the day of a time."""
    return datetime.fromtimestamp(ms // 1000, zone).date()


def matching(every: Range, org: str, first: date, last: date, zone: tzinfo = UTC, **cut: str | None) -> Range:
    """Return what is of an org, of these days, and has these dimensions."""
    wanted = {name: value for name, value in cut.items() if value is not None}

    def is_in(row: SessionRow | AmountsRow, ms: int) -> bool:
        has_names = all(getattr(row, name) == value for name, value in wanted.items())
        return row.org_id == org and first <= day_of(ms, zone) <= last and has_names

    return Range(
        [row for row in every.started if is_in(row, row.started_at)],
        [row for row in every.happened if is_in(row, row.bucket * 1000) and _is_something(row)],
    )


def _is_something(row: AmountsRow) -> bool:
    """Return whether a row has any amount that analytics show."""
    counts = [row.prompts, row.active_ms, *(getattr(row, name) for name in WORK)]
    used = [number for use in row.models for number in use[1:]]
    uses = [count for tool in row.tools for count in (tool.calls, tool.errors)]
    return any(bool(number) for number in [*counts, *used, *uses])


def summary(found: Range) -> dict[str, Any]:
    ended = [row for row in found.started if row.ended_at is not None]
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    used = [use for row in found.happened for use in row.models]
    tokens_of = {kind: sum(getattr(use, kind) for use in used) for kind in kinds}
    calls, errors = tool_uses(found)
    return {
        "total_sessions": len(found.started),
        "active_sessions": len(found.started) - len(ended),
        "ended_sessions": len(ended),
        "failed_sessions": sum(row.outcome in ("failure", "timeout") for row in found.started),
        "total_cost_usd": usd(cost(found)),
        "total_tokens": sum(tokens_of.values()),
        **tokens_of,
        "avg_duration_seconds": average_s(found),
        "avg_cost_usd_per_session": rate(usd(cost(found)), len(found.started)),
        "unique_users": len(users(found)),
        "tool_calls": calls,
        "tool_error_rate": rate(errors, calls),
        **work(found),
    }


def timeseries(
    found: Range, first: date, last: date, interval: str, metric: str, model: str | None, zone: tzinfo = UTC
) -> list[Any]:
    periods: dict[datetime, Range] = {at: Range([], []) for at in _periods(first, last, interval, zone)}
    for row in found.started:
        periods[_period_of(row.started_at // 1000, interval, zone)].started.append(row)
    for one in found.happened:
        periods[_period_of(one.bucket, interval, zone)].happened.append(one)
    return [
        {"period_start": _instant(int(at.timestamp()) * 1000), "value": _METRICS[metric](of_period, model)}
        for at, of_period in periods.items()
    ]


def with_parts(periods: list[Any], of_parts: dict[str, list[Any]], largest: int = 6) -> list[Any]:
    """Return a timeseries with the parts of the largest models or agents, given the timeseries of each of these."""
    values = {name: [Fraction(str(period["value"])) for period in series] for name, series in of_parts.items()}
    order = sorted((name for name in values if any(values[name])), key=lambda name: (-sum(values[name]), name))
    return [
        {
            **period,
            "parts": [
                {"name": name, "value": of_parts[name][at]["value"]} for name in order[:largest] if values[name][at]
            ],
        }
        for at, period in enumerate(periods)
    ]


def by_agent(found: Range) -> list[dict[str, Any]]:
    members = []
    for agent, group in grouped(found, "agent_name").items():
        calls, errors = tool_uses(group)
        members.append(
            {
                "agent_name": agent,
                **_use(group),
                "avg_duration_seconds": average_s(group),
                "users": len(users(group)),
                "tool_error_rate": rate(errors, calls),
                "cost_share": rate(cost(group), cost(found)),
                **work(group),
            }
        )
    return sorted(members, key=lambda member: _by_cost(member, "agent_name"))


def by_tool(found: Range) -> list[dict[str, Any]]:
    uses: dict[str, list[tuple[Any, ToolAmountsOf]]] = defaultdict(list)
    for row in found.happened:
        for tool in row.tools:
            uses[tool.tool_name].append((row.session_id, tool))
    members = []
    for name, some in uses.items():
        calls, errors = sum(tool.calls for _, tool in some), sum(tool.errors for _, tool in some)
        counts = {"sessions": len({session for session, _ in some}), "calls": calls, "errors": errors}
        rest = {"total_duration_ms": sum(tool.duration_ms for _, tool in some), "tool_error_rate": rate(errors, calls)}
        members.append({"tool_name": name, **counts, **rest})
    return sorted(members, key=lambda member: (-member["errors"], -member["calls"], member["tool_name"]))


def by_user(found: Range) -> list[dict[str, Any]]:
    members = [
        {
            "user_id": user,
            **_use(group),
            "avg_duration_seconds": average_s(group),
            "last_active_at": _instant(_last_active_ms(group)),
            "top_agent": _top(group),
            **work(group),
        }
        for user, group in grouped(found, "user_id").items()
    ]
    return sorted(members, key=lambda member: _by_cost(member, "user_id"))


def _last_active_ms(found: Range) -> int:
    """Return the time of the last event of the sessions that started, or of the last quarter with anything."""
    of_sessions = [row.last_event_at or row.started_at for row in found.started]
    return max([*of_sessions, *(row.bucket * 1000 for row in found.happened)])


def cost_breakdown(found: Range, model: str | None, viewer: str | None) -> dict[str, Any]:
    if model is not None:
        found = _of_model(found, model)
    names = {use.model for row in found.started for use in row.models}
    names |= {use.model for row in found.happened for use in row.models if any(use[1:])}
    models = {name: _of_model(found, name) for name in names if model in (None, name)}
    of_users = {user: group for user, group in grouped(found, "user_id").items() if viewer in (None, user)}
    total = cost(found, model)
    return {
        "total_cost_usd": usd(total),
        "by_model": _members("model", models, total),
        "by_project": _members("project_id", grouped(found, "project_id"), total, model),
        "by_user": _members("user_id", of_users, total, model),
    }


def _of_model(found: Range, name: str) -> Range:
    return Range(
        [row for row in found.started if any(use.model == name for use in row.models)],
        [row for row in found.happened if any(use.model == name and any(use[1:]) for use in row.models)],
    )


def _members(field: str, groups: dict[Any, Range], total: int, model: str | None = None) -> list[dict[str, Any]]:
    members = []
    for name, group in groups.items():
        only = name if field == "model" else model
        members.append({field: name, **_use(group, only), "cost_share": rate(cost(group, only), total)})
    return sorted(members, key=lambda member: _by_cost(member, field))


def team_overview(current: Range, previous: Range, zone: tzinfo = UTC, top: int = 10) -> dict[str, Any]:
    now, before = _team_period(current), _team_period(previous)
    names = ("active_users", "sessions", "sessions_per_user", "cost_usd", "tokens")
    grid = [[0] * 24 for _ in range(7)]
    for row in current.started:
        at = datetime.fromtimestamp(row.started_at // 1000, zone)
        grid[at.weekday()][at.hour] += 1
    return {
        "current": now,
        "previous": before,
        "change": {name: _change(now[name], before[name]) for name in names},
        "top_agents": _most_used(grouped(current, "agent_name"), "agent_name")[:top],
        "top_projects": _most_used(grouped(current, "project_id"), "project_id")[:top],
        "busiest_hours": grid,
    }


def _team_period(found: Range) -> dict[str, Any]:
    outcomes = Counter(row.outcome or "none" for row in found.started)
    return {
        "active_users": len(users(found)),
        **_use(found),
        "sessions_per_user": rate(len(found.started), len(users(found))),
        "outcomes": {name: outcomes[name] for name in ("success", "failure", "timeout", "cancelled", "none")},
    }


def _change(now: float | None, before: float | None) -> Any:
    """Return the relative change, as precise as floats allow."""
    if before is None or before <= 0 or now is None:
        return None
    return pytest.approx((now - before) / before, abs=1e-12)


def _most_used(groups: dict[Any, Range], field: str) -> list[dict[str, Any]]:
    members = [{field: name, **_use(group)} for name, group in groups.items()]
    return sorted(members, key=lambda member: (-member["sessions"], *_by_cost(member, field)))


def _use(found: Range, model: str | None = None) -> dict[str, float]:
    return {"sessions": len(found.started), "cost_usd": usd(cost(found, model)), "tokens": tokens(found, model)}


def cost(found: Range, model: str | None = None) -> int:
    return sum(use.cost_nano for row in found.happened for use in row.models if model in (None, use.model))


def tokens(found: Range, model: str | None = None) -> int:
    return sum(sum(use[1:5]) for row in found.happened for use in row.models if model in (None, use.model))


def tool_uses(found: Range) -> tuple[int, int]:
    """Return calls and errors."""
    used = [tool for row in found.happened for tool in row.tools]
    return sum(tool.calls for tool in used), sum(tool.errors for tool in used)


def work(found: Range) -> dict[str, float]:
    sums = {name: sum(getattr(row, name) for row in found.happened) for name in WORK}
    return {**sums, "active_seconds": sum(row.active_ms for row in found.happened) / 1000}


def users(found: Range) -> set[str]:
    return {row.user_id for row in found.started}


def grouped(found: Range, name: str) -> dict[Any, Range]:
    """Return what is of each agent, user or project, by its name."""
    groups: dict[Any, Range] = defaultdict(lambda: Range([], []))
    for row in found.started:
        groups[getattr(row, name)].started.append(row)
    for one in found.happened:
        groups[getattr(one, name)].happened.append(one)
    return groups


def average_s(found: Range) -> float | None:
    durations = [row.duration_ms or 0 for row in found.started if row.ended_at is not None]
    return rate(sum(durations) / 1000, len(durations))


def rate(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def usd(nano: int) -> float:
    return float(Fraction(nano, 10**9))


def _work_of(name: str, found: Range, _model: str | None) -> float:
    return work(found)[name]


_METRICS: dict[str, Callable[[Range, str | None], float]] = {
    "sessions": lambda found, _model: len(found.started),
    "cost": lambda found, model: usd(cost(found, model)),
    "tokens": tokens,
    "tool_calls": lambda found, _model: tool_uses(found)[0],
    "users": lambda found, _model: len(users(found)),
    **{name: partial(_work_of, name) for name in WORK},
    "active_seconds": partial(_work_of, "active_seconds"),
}


def _by_cost(member: dict[str, Any], field: str) -> tuple[Any, ...]:
    return -member["cost_usd"], member[field] is None, member[field] or ""


def _top(found: Range) -> str | None:
    """Return the agent with the most sessions; one that started none may still have done something."""
    counts = Counter(row.agent_name for row in found.started)
    agents: set[str | None] = {*counts, *(row.agent_name for row in found.happened)}
    return min(agents, key=lambda agent: (-counts[agent], agent is None, agent or ""))


def _periods(first: date, last: date, interval: str, zone: tzinfo) -> Iterable[datetime]:
    """Return the periods in order, found by looking at each quarter of an hour of the days."""
    if interval == "week":
        first -= timedelta(days=first.weekday())
    at = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    found: dict[datetime, None] = {}
    while at.astimezone(zone).date() <= last:
        found[_period_of(int(at.timestamp()), interval, zone)] = None
        at += timedelta(minutes=15)
    return found


def _period_of(seconds: int, interval: str, zone: tzinfo) -> datetime:
    """Return the start of the period in UTC: the first quarter of an hour that the clock shows in the same one."""
    at = datetime.fromtimestamp(seconds // 900 * 900, UTC)

    def shown(moment: datetime) -> Any:
        local = moment.astimezone(zone)
        if interval == "hour":
            return local.date(), local.hour, local.fold
        return local.date() - timedelta(days=local.weekday() if interval == "week" else 0)

    while shown(at - timedelta(minutes=15)) == shown(at):
        at -= timedelta(minutes=15)
    return at


def _instant(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
