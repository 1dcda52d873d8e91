"""Analytics: what the team did, compared with the period before."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from litestar import Response, get
from msgspec import Struct

from edge.guards import may
from query_api.analytics.filter import Buckets, Filter, FilteredRange, LimitedBuckets, ratio
from query_api.analytics.work import MemberRow
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply
from schemas.money import usd_of
from store.reading.question import Question

T = TypeVar("T")
TOP = 10


class Hours(FilteredRange, frozen=True):
    """A range whose zone is ahead of UTC by ``offsets[n]`` seconds from ``changes[n]`` (s since 1970) on."""

    changes: list[int]
    offsets: list[int]


class TeamPeriodRow(Struct, frozen=True):
    users: int
    sessions: int
    success: int
    failure: int
    timeout: int
    cancelled: int
    tokens: int
    cost_nano: int


class HourRow(Struct, frozen=True):
    """An hour of a day of the week (0: Monday) in which sessions started."""

    weekday: int
    hour: int
    sessions: int


TEAM_PERIOD = Question("query_api.analytics.team_period", Buckets, TeamPeriodRow)
TEAM_TOPS = Question("query_api.analytics.team_tops", LimitedBuckets, MemberRow)  # of `agent` and `project`
BUSIEST_HOURS = Question("query_api.analytics.busiest_hours", Hours, HourRow)


class Outcomes(Struct, frozen=True):
    """Sessions by outcome; ``none`` counts those that have not ended or that ended without an outcome."""

    success: Annotated[int, doc("Number of sessions with this outcome.", 90)]
    failure: Annotated[int, doc("Number of sessions with this outcome.", 7)]
    timeout: Annotated[int, doc("Number of sessions with this outcome.", 2)]
    cancelled: Annotated[int, doc("Number of sessions with this outcome.", 4)]
    none: Annotated[int, doc("Number of sessions without an outcome.", 17)]


class TeamPeriod(Struct, frozen=True):
    """What the team did in a period."""

    active_users: Annotated[int, doc("Number of users with a session in these days.", 7)]
    sessions: fields.Sessions
    sessions_per_user: Annotated[float | None, doc("Sessions divided by active users.", 17.1)]
    cost_usd: fields.CostUsd
    tokens: fields.Tokens
    outcomes: Annotated[Outcomes, doc("Number of sessions by outcome.")]


class TeamChange(Struct, frozen=True):
    """The change since the previous period: 0.12 means 12 % more, null means that the previous value was 0."""

    active_users: Annotated[float | None, doc("Relative change of the active users.", 0.1)]
    sessions: Annotated[float | None, doc("Relative change of the sessions.", 0.12)]
    sessions_per_user: Annotated[float | None, doc("Relative change of the sessions per user.", 0.02)]
    cost_usd: Annotated[float | None, doc("Relative change of the cost.", -0.05)]
    tokens: Annotated[float | None, doc("Relative change of the tokens.", 0.2)]


class TopAgent(Struct, frozen=True):
    """One of the agents with the most sessions; sessions without an agent have the name ``null``."""

    agent_name: fields.AgentName | None
    sessions: fields.Sessions
    cost_usd: fields.CostUsd
    tokens: fields.Tokens


class TopProject(Struct, frozen=True):
    """One of the projects with the most sessions; sessions without a project have the id ``null``."""

    project_id: fields.ProjectId | None
    sessions: fields.Sessions
    cost_usd: fields.CostUsd
    tokens: fields.Tokens


class TeamOverview(Struct, frozen=True):
    """The requested days and the equally long period before; ``busiest_hours[weekday][hour]`` counts starts."""

    current: Annotated[TeamPeriod, doc("The requested days.")]
    previous: Annotated[TeamPeriod, doc("The period of equal length before the requested days.")]
    change: Annotated[TeamChange, doc("Change from `previous` to `current`: 0.12 means 12 % more.")]
    top_agents: Annotated[list[TopAgent], doc("Most used agents.")]
    top_projects: Annotated[list[TopProject], doc("Projects with the most sessions.")]
    busiest_hours: Annotated[
        list[list[int]], doc("Starts by weekday (Monday first) and hour, in the zone.", [[0] * 24] * 7)
    ]


@get("/sessions/analytics/team-overview", operation_id="AnalyticsTeamOverview", guards=[may("analytics.read")])
async def get_team_overview(context: Context, analytics_filter: Filter) -> Response[Reply[TeamOverview]]:
    """Compare these days with the equally long period before, and list the ten busiest agents and projects.

    ``busiest_hours`` has one list for each day of the week, Monday first, of the number of sessions started each hour.
    """
    days = analytics_filter.days
    changes, offsets = (list(some) for some in zip(*days.changes(), strict=True))
    (current,), (previous,), tops, hours = await asyncio.gather(
        context.ask(TEAM_PERIOD, analytics_filter.buckets),
        context.ask(TEAM_PERIOD, analytics_filter.params(Buckets, days.previous)),
        context.ask(TEAM_TOPS, analytics_filter.params(LimitedBuckets, limit=TOP)),
        context.ask(BUSIEST_HOURS, analytics_filter.params(Hours, changes=changes, offsets=offsets)),
    )
    starts = {(row.weekday, row.hour): row.sessions for row in hours}
    overview = TeamOverview(
        current=_period(current),
        previous=_period(previous),
        change=_change(current, previous),
        top_agents=_members(tops, "agent", TopAgent),
        top_projects=_members(tops, "project", TopProject),
        busiest_hours=[[starts.get((weekday, hour), 0) for hour in range(24)] for weekday in range(7)],
    )
    return context.reply_with_freshness(overview)


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
    """Return the changes. They are computed from integers, so an unchanged number gives exactly 0."""
    return TeamChange(
        active_users=ratio(now.users - before.users, before.users),
        sessions=ratio(now.sessions - before.sessions, before.sessions),
        # The change from b/v to n/u in a single division; also null if there are no users now.
        sessions_per_user=ratio(now.sessions * before.users - before.sessions * now.users, before.sessions * now.users),
        cost_usd=ratio(now.cost_nano - before.cost_nano, before.cost_nano),
        tokens=ratio(now.tokens - before.tokens, before.tokens),
    )


def _members(rows: Sequence[MemberRow], name: str, make: Callable[..., T]) -> list[T]:
    return [make(row.member, row.sessions, row.cost_usd, row.tokens) for row in rows if row.list == name]
