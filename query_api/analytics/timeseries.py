"""Analytics: one number over time."""

from datetime import UTC, datetime
from typing import Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from edge.errors import invalid
from edge.guards import may
from query_api.analytics.filter import Selection
from query_api.analytics.responses import Period
from query_api.days import Interval
from query_api.question import TIMESERIES, TIMESERIES_BY_DIMENSION, PeriodRow, Timeseries, TimeseriesSlice
from query_api.read_context import Reading
from schemas.http.responses import Reply, instant
from schemas.money import usd_of

Metric = Literal["sessions", "cost", "tokens", "tool_calls", "users"]
BY_MODEL = ("cost", "tokens")  # a session's other numbers belong to no single model


@get("/sessions/analytics/timeseries", operation_id="AnalyticsTimeseries", guards=[may("analytics.read")])
async def timeseries(
    reading: NamedDependency[Reading],
    selection: NamedDependency[Selection],
    interval: FromQuery[Interval] = "day",
    metric: FromQuery[Metric] = "sessions",
    model: FromQuery[str | None] = None,
) -> Response[Reply[list[Period]]]:
    """One metric by hour, day or week (from Monday), 0 where nothing happened."""
    if model is not None and metric not in BY_MODEL:
        raise invalid({"model": ["can only be given for cost and tokens"]})
    values = {row.period_start: row.value for row in await _rows(reading, selection, interval, metric, model)}
    return reading.analytics([_period(at, values, metric) for at in selection.days.periods(interval)])


async def _rows(
    reading: Reading, selection: Selection, interval: Interval, metric: Metric, model: str | None
) -> list[PeriodRow]:
    if selection.is_cut or model is not None:
        cut = selection.params(TimeseriesSlice, interval=interval, metric=metric, model=model)
        return await reading.ask(TIMESERIES_BY_DIMENSION, cut)
    whole = Timeseries(selection.slice.org_id, selection.slice.since, selection.slice.until, interval, metric)
    return await reading.ask(TIMESERIES, whole)


def _period(at: datetime, values: dict[int, int], metric: Metric) -> Period:
    start = int(at.astimezone(UTC).timestamp())
    value = values.get(start, 0)
    return Period(instant(start * 1000), usd_of(value) if metric == "cost" else value)
