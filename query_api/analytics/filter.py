"""The days and dimensions of an analytics request, parsed the same way for all analytics routes."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, SkipValidation
from msgspec import Struct

from edge.principal import Caller
from query_api.days import Days, days_of
from query_api.visibility import refuse_other_users
from schemas.http import fields


class WholeBuckets(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org."""

    org_id: str
    since: datetime
    until: datetime


class Buckets(WholeBuckets, frozen=True):
    """The same buckets, filtered by dimensions; ``None`` filters nothing."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str | None


class LimitedBuckets(Buckets, frozen=True):
    """The same buckets, for at most ``limit`` rows of each list."""

    limit: int


B = TypeVar("B", bound=Buckets)
Today = Callable[[], date]


class AnalyticsFilter(NamedTuple):
    """The days of a request, and the buckets to read for them."""

    days: Days
    buckets: Buckets

    @property
    def has_dimension(self) -> bool:
        """Return whether the request filters by a dimension, so that totals of whole buckets would be too large."""
        buckets = self.buckets
        return any(
            value is not None for value in (buckets.project_id, buckets.repo, buckets.agent_name, buckets.user_id)
        )

    def params(self, kind: type[B], **more: Any) -> B:
        """Return the parameters of a question that takes the filter, with ``more`` added or replaced."""
        return kind(**msgspec.structs.asdict(self.buckets) | more)


Filter = NamedDependency[AnalyticsFilter]  # of a route; the parameter is named ``analytics_filter``


def provide_analytics_filter(
    principal: Caller,
    today: NamedDependency[SkipValidation[Today]],
    start_date: FromQuery[fields.StartDate | None] = None,
    end_date: FromQuery[fields.EndDate | None] = None,
    project_id: FromQuery[fields.ProjectId | None] = None,
    repo: FromQuery[fields.Repo | None] = None,
    agent_name: FromQuery[fields.AgentName | None] = None,
    user_id: FromQuery[fields.UserId | None] = None,
) -> AnalyticsFilter:
    """Return the filter of the query parameters that all analytics take.

    Raises `ApiError`: 422 for days outside the limits, 403 for the numbers of another user.
    """
    refuse_other_users(principal, user_id)
    days = days_of(start_date, end_date, today())
    buckets = Buckets(principal.org_id, days.since, days.until, project_id, repo, agent_name, user_id)
    return AnalyticsFilter(days, buckets)


def ratio(part: float, whole: float) -> float | None:
    """Return ``part / whole``, or null if ``whole`` is 0."""
    return part / whole if whole else None
