"""Analytics: one metric over time."""

from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import Struct

from edge.errors import invalid
from edge.guards import may
from query_api.analytics.filter import AnalyticsFilter, Buckets, Filter, WholeBuckets
from query_api.days import Interval
from query_api.read_context import Context, ReadContext
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.models import canonical_model
from schemas.money import usd_of
from schemas.times import instant
from store.reading.question import Question

Work = Literal["lines_added", "lines_removed", "commits", "pull_requests", "active_seconds"]
Metric = Literal["sessions", "cost", "tokens", "tool_calls", "users"] | Work
WORK: tuple[Work, ...] = get_args(Work)
BY_MODEL = ("cost", "tokens")  # a session's other numbers don't belong to a single model


class Timeseries(WholeBuckets, frozen=True):
    """One metric by period, read from one ``rollup``."""

    rollup: str
    interval: str
    metric: str


class TimeseriesOfWork(Buckets, frozen=True):
    """One metric of work by period, filtered by dimensions."""

    rollup: str
    interval: str
    metric: str


class TimeseriesByDimension(TimeseriesOfWork, frozen=True):
    """Another metric by period, filtered by dimensions; ``model`` applies to cost and tokens only."""

    model: str | None


class PeriodRow(Struct, frozen=True):
    """A period with activity; it starts ``period_start`` seconds after 1970."""

    period_start: int
    value: int


TIMESERIES = Question("query_api.analytics.timeseries", Timeseries, PeriodRow)
TIMESERIES_BY_DIMENSION = Question("query_api.analytics.timeseries_by_dimension", TimeseriesByDimension, PeriodRow)
TIMESERIES_OF_WORK = Question("query_api.analytics.timeseries_of_work", TimeseriesOfWork, PeriodRow)


class Period(Struct, frozen=True):
    """One metric in one hour, day or week."""

    period_start: Annotated[str, moment("Start of the hour, day or week (Monday).", "2026-01-19T00:00:00.000Z")]
    value: Annotated[int | float, doc("Value of the metric in this period; 0 if nothing happened.", 3)]


@get("/sessions/analytics/timeseries", operation_id="AnalyticsTimeseries", guards=[may("analytics.read")])
async def get_timeseries(
    context: Context,
    analytics_filter: Filter,
    interval: FromQuery[Annotated[Interval, doc("Length of a period. Weeks start on Monday.", "day")]] = "day",
    metric: FromQuery[Annotated[Metric, doc("Metric to return.", "sessions")]] = "sessions",
    model: FromQuery[fields.Model | None] = None,
) -> Response[Reply[list[Period]]]:
    """Return one metric by hour, day or week (from Monday); a period without activity has the value 0."""
    if model is not None and metric not in BY_MODEL:
        raise invalid({"model": ["can only be given for cost and tokens"]})
    rows = await _load_rows(context, analytics_filter, interval, metric, model)
    values = {row.period_start: row.value for row in rows}
    periods = [_period(at, values, metric) for at in analytics_filter.days.periods(interval)]
    return context.reply_with_freshness(periods)


async def _load_rows(
    context: ReadContext, analytics_filter: AnalyticsFilter, interval: Interval, metric: Metric, model: str | None
) -> list[PeriodRow]:
    over = {"rollup": "rollup_hourly" if interval == "hour" else "rollup_daily", "interval": interval, "metric": metric}
    if analytics_filter.has_dimension and metric in WORK:
        return await context.ask(TIMESERIES_OF_WORK, analytics_filter.params(TimeseriesOfWork, **over))
    if analytics_filter.has_dimension or model is not None:
        params = analytics_filter.params(TimeseriesByDimension, **over, model=model and canonical_model(model))
        return await context.ask(TIMESERIES_BY_DIMENSION, params)
    buckets = analytics_filter.buckets
    return await context.ask(TIMESERIES, Timeseries(buckets.org_id, buckets.since, buckets.until, **over))


def _period(at: datetime, values: dict[int, int], metric: Metric) -> Period:
    start = int(at.astimezone(UTC).timestamp())
    value = values.get(start, 0)
    if metric == "cost":
        return Period(instant(start * 1000), usd_of(value))
    return Period(instant(start * 1000), value / 1000 if metric == "active_seconds" else value)
