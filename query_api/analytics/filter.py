"""The days and dimensions of an analytics request, parsed the same way for all analytics routes."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any, NamedTuple, TypeVar

from litestar.di import NamedDependency
from litestar.params import FromQuery, SkipValidation
from msgspec import Struct

from edge.principal import Caller
from query_api.days import Days, days_of, zone_of
from query_api.visibility import refuse_other_users
from schemas.http import fields
from schemas.store.rows import DAY_S


class Range(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org."""

    org_id: str
    since: datetime
    until: datetime


class WholeRange(Range, frozen=True):
    """The same buckets: those of whole days ``[days_since, days_until)``, in UTC, and of quarters of an hour around."""

    days_since: datetime
    days_until: datetime


class FilteredRange(Range, frozen=True):
    """A range, filtered by dimensions; ``None`` filters nothing."""

    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str | None


class Buckets(FilteredRange, frozen=True):
    """The same range as whole days and quarters of an hour, as in `WholeRange`."""

    days_since: datetime
    days_until: datetime


class LimitedBuckets(Buckets, frozen=True):
    """The same buckets, for at most ``limit`` rows of each list."""

    limit: int


B = TypeVar("B", bound=Struct)
Today = Callable[[tzinfo], date]


class AnalyticsFilter(NamedTuple):
    """The org and the days of a request, and the values of the dimensions by their names."""

    org_id: str
    days: Days
    dimensions: Mapping[str, str | None]

    @property
    def has_dimension(self) -> bool:
        """Return whether the request filters by a dimension, so that totals of whole buckets would be too large."""
        return any(value is not None for value in self.dimensions.values())

    @property
    def buckets(self) -> Buckets:
        return self.params(Buckets)

    def params(self, kind: type[B], days: Days | None = None, **more: Any) -> B:
        """Return the parameters of a question that takes any of the filter, with ``more`` added.

        ``days`` replace those of the request.
        """
        days = days or self.days
        known: dict[str, Any] = {"org_id": self.org_id, "since": days.since, "until": days.until, **_whole_days(days)}
        known |= self.dimensions
        return kind(**{name: known[name] for name in kind.__struct_fields__ if name in known} | more)


def _whole_days(days: Days) -> dict[str, datetime]:
    """Return the days of UTC that are in these days as a whole, if there is any; else an empty range."""
    since, until = days.since, days.until
    first = datetime.fromtimestamp(-(-since.timestamp() // DAY_S) * DAY_S, UTC)
    last = datetime.fromtimestamp(until.timestamp() // DAY_S * DAY_S, UTC)
    first, last = (first, last) if first <= last else (until, until)
    return {"days_since": first, "days_until": last}


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
    tz: FromQuery[fields.TimeZone | None] = None,
) -> AnalyticsFilter:
    """Return the filter of the query parameters that all analytics take.

    Raises `ApiError`: 422 for days outside the limits or an unknown zone, 403 for the numbers of another user.
    """
    refuse_other_users(principal, user_id)
    zone = zone_of(tz)
    days = days_of(start_date, end_date, today(zone), zone)
    dimensions = {"project_id": project_id, "repo": repo, "agent_name": agent_name, "user_id": user_id}
    return AnalyticsFilter(principal.org_id, days, dimensions)


def ratio(part: float, whole: float) -> float | None:
    """Return ``part / whole``, or null if ``whole`` is not above 0."""
    return part / whole if whole > 0 else None
