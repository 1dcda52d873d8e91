"""Analytics: what the team did, beside the time before."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from litestar import Response, get
from litestar.di import NamedDependency

from edge.guards import may
from query_api.analytics.filter import Selection
from query_api.analytics.responses import Outcomes, TeamChange, TeamOverview, TeamPeriod, TopAgent, TopProject, ratio
from query_api.question import (
    BUSIEST_HOURS,
    TEAM_PERIODS,
    TEAM_TOPS,
    HourRow,
    SliceTop,
    TeamPeriodRow,
    TeamSlice,
    TopRow,
)
from query_api.read_context import Reading
from schemas.http.responses import Reply
from schemas.money import usd_of

T = TypeVar("T")
TOP = 10
_NOTHING = (0,) * (len(TeamPeriodRow.__struct_fields__) - 1)


@get("/sessions/analytics/team-overview", operation_id="AnalyticsTeamOverview", guards=[may("analytics.read")])
async def team_overview(
    reading: NamedDependency[Reading], selection: NamedDependency[Selection]
) -> Response[Reply[TeamOverview]]:
    """The days asked for beside the equally long time before, with the ten agents and projects that had most sessions.

    ``busiest_hours`` has a list for each day of the week, Monday first, with the sessions that started in each hour.
    """
    periods, tops, hours = await asyncio.gather(
        reading.ask(TEAM_PERIODS, selection.params(TeamSlice, previous_since=selection.days.previous_since)),
        reading.ask(TEAM_TOPS, selection.params(SliceTop, limit=TOP)),
        reading.ask(BUSIEST_HOURS, selection.slice),
    )
    return reading.analytics(overview_of(periods, tops, hours))


def overview_of(periods: Sequence[TeamPeriodRow], tops: Sequence[TopRow], hours: Sequence[HourRow]) -> TeamOverview:
    """The reply's numbers; a period without a row is one in which nothing happened."""
    found = {row.is_current: row for row in periods}
    current, previous = (found.get(which, TeamPeriodRow(which, *_NOTHING)) for which in (True, False))
    return TeamOverview(
        current=_period(current),
        previous=_period(previous),
        change=_change(current, previous),
        top_agents=_members(tops, "agent", TopAgent),
        top_projects=_members(tops, "project", TopProject),
        busiest_hours=_grid(hours),
    )


def _period(row: TeamPeriodRow) -> TeamPeriod:
    ended = row.success + row.failure + row.timeout + row.cancelled
    return TeamPeriod(
        active_users=row.users,
        sessions=row.sessions,
        sessions_per_user=ratio(row.sessions, row.users),
        cost_usd=usd_of(row.cost_nano),
        tokens=row.tokens,
        outcomes=Outcomes(row.success, row.failure, row.timeout, row.cancelled, row.sessions - ended),
    )


def _change(now: TeamPeriodRow, before: TeamPeriodRow) -> TeamChange:
    """Of integers, so that what did not change is exactly 0."""
    return TeamChange(
        active_users=ratio(now.users - before.users, before.users),
        sessions=ratio(now.sessions - before.sessions, before.sessions),
        # Of n/u after b/v, without dividing twice; null too where nobody is left.
        sessions_per_user=ratio(now.sessions * before.users - before.sessions * now.users, before.sessions * now.users),
        cost_usd=ratio(now.cost_nano - before.cost_nano, before.cost_nano),
        tokens=ratio(now.tokens - before.tokens, before.tokens),
    )


def _members(rows: Sequence[TopRow], name: str, make: Callable[..., T]) -> list[T]:
    return [make(row.member, row.sessions, usd_of(row.cost_nano), row.tokens) for row in rows if row.list == name]


def _grid(rows: Sequence[HourRow]) -> list[list[int]]:
    counts = {(row.weekday, row.hour): row.sessions for row in rows}
    return [[counts.get((weekday, hour), 0) for hour in range(24)] for weekday in range(7)]
