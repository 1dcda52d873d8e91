"""Analytics: one metric over time."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import UNSET, Struct, UnsetType, structs

from edge.errors import invalid
from edge.guards import may
from query_api.analytics.filter import AnalyticsFilter, Filter, FilteredRange, Range
from query_api.days import Interval
from query_api.read_context import Context, ReadContext
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.models import canonical_model
from schemas.money import usd_of
from schemas.store.rows import DAY_S, QUARTER_S
from schemas.times import instant
from store.reading.question import Question
from store.sql import cut_to_size

Work = Literal["lines_added", "lines_removed", "commits", "pull_requests", "active_seconds"]
Metric = Literal["sessions", "cost", "tokens", "tool_calls", "users"] | Work
WORK: tuple[Work, ...] = get_args(Work)
BY_MODEL: tuple[Metric, ...] = ("cost", "tokens")  # a session's other numbers don't belong to a single model
By = Literal["model", "agent_name"]
PARTS_OF: Mapping[By, tuple[Metric, ...]] = {"model": BY_MODEL, "agent_name": (*BY_MODEL, "sessions", "tool_calls")}
PARTS_MAX = 6
PERIODS_MAX = 800  # as many days; they fit into one question


class Timeseries(Range, frozen=True):
    """One metric by period, whose ``starts`` are seconds since 1970, read from buckets of some ``seconds``."""

    seconds: int
    starts: list[int]
    metric: str


class TimeseriesOfWork(FilteredRange, frozen=True):
    """One metric of work by the same periods, filtered by dimensions."""

    seconds: int
    starts: list[int]
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


class TimeseriesParts(TimeseriesByDimension, frozen=True):
    """The ``limit`` models or agents with the most of a metric by period."""

    by: str
    limit: int


class PartRow(Struct, frozen=True):
    """A model or agent with its values in the periods in which it has any; these start ``starts_s`` s after 1970."""

    name: str
    starts_s: list[int]
    values: list[int]


TIMESERIES_PARTS = Question("query_api.analytics.timeseries_parts", TimeseriesParts, PartRow)


class Part(Struct, frozen=True):
    """What of a period's value belongs to one model or agent."""

    name: Annotated[str, doc("The model, or the agent.", "claude-sonnet-4-5")]
    value: Annotated[int | float, doc("Its part of the period's value.", 2)]


class Period(Struct, frozen=True, omit_defaults=True):
    """One metric in one hour, day or week."""

    period_start: Annotated[str, moment("Start of the hour, day or week (Monday).", "2026-01-19T00:00:00.000Z")]
    value: Annotated[int | float, doc("Value of the metric in this period; 0 if nothing happened.", 3)]
    parts: Annotated[
        list[Part] | UnsetType,
        doc("With `by`: the part of each of the largest models or agents of the range that has one in this period."),
    ] = UNSET


@get("/sessions/analytics/timeseries", operation_id="AnalyticsTimeseries", guards=[may("analytics.read")])
async def get_timeseries(
    context: Context,
    analytics_filter: Filter,
    interval: FromQuery[Annotated[Interval, doc("Length of a period. Weeks start on Monday.", "day")]] = "day",
    metric: FromQuery[Annotated[Metric, doc("Metric to return.", "sessions")]] = "sessions",
    model: FromQuery[fields.Model | None] = None,
    by: FromQuery[Annotated[By | None, doc(f"Add the parts of the {PARTS_MAX} largest models or agents.")]] = None,
) -> Response[Reply[list[Period]]]:
    """Return one metric by hour, day or week (from Monday); a period without activity has the value 0.

    Sessions and users count in the period in which a session started, everything else in the one in which it happened.
    """
    if model is not None and metric not in BY_MODEL:
        raise invalid({"model": ["can only be given for cost and tokens"]})
    if by is not None and metric not in PARTS_OF[by]:
        raise invalid({"by": [f"{by} can only be given for {', '.join(PARTS_OF[by])}"]})
    starts = [int(at.timestamp()) for at in analytics_filter.days.periods(interval)]
    if by is not None and len(starts) > PERIODS_MAX:
        raise invalid({"by": [f"can be given for at most {PERIODS_MAX} periods; choose fewer days or longer periods"]})
    rows, parts = await asyncio.gather(
        _load_rows(context, analytics_filter, starts, metric, model),
        _load_parts(context, analytics_filter, starts, metric, model, by),
    )
    values = {row.period_start: row.value for row in rows}
    return context.reply_with_freshness([_period(start, values.get(start, 0), metric, parts) for start in starts])


async def _load_parts(
    context: ReadContext,
    analytics_filter: AnalyticsFilter,
    starts: list[int],
    metric: Metric,
    model: str | None,
    by: By | None,
) -> Mapping[int, list[Part]] | None:
    """Return what of each period belongs to the largest models or agents of the range, the largest first, if asked."""
    if by is None:
        return None
    named = model and canonical_model(model)
    over = {**_over(starts, metric), "model": named, "by": by, "limit": PARTS_MAX}
    found: dict[int, list[Part]] = {start: [] for start in starts}
    for row in await context.ask(TIMESERIES_PARTS, analytics_filter.params(TimeseriesParts, **over)):
        for start, value in zip(row.starts_s, row.values, strict=True):
            found[start].append(Part(row.name, _shown(value, metric)))
    return found


def _over(starts: list[int], metric: Metric) -> dict[str, Any]:
    are_days = not any(start % DAY_S for start in starts)
    return {"seconds": DAY_S if are_days else QUARTER_S, "starts": starts, "metric": metric}


async def _load_rows(
    context: ReadContext, analytics_filter: AnalyticsFilter, starts: list[int], metric: Metric, model: str | None
) -> list[PeriodRow]:
    """Return the periods with activity. Those of 800 days by hour are too many for one parameter of a question."""
    over = _over(starts, metric)
    question: Question[Any, PeriodRow] = TIMESERIES
    params: Any = analytics_filter.params(Timeseries, **over)
    if analytics_filter.has_dimension and metric in WORK:
        question, params = TIMESERIES_OF_WORK, analytics_filter.params(TimeseriesOfWork, **over)
    elif analytics_filter.has_dimension or model is not None:
        named = model and canonical_model(model)
        question, params = TIMESERIES_BY_DIMENSION, analytics_filter.params(TimeseriesByDimension, **over, model=named)
    rows: list[PeriodRow] = []
    for some in reversed(list(cut_to_size(starts))):
        since = max(params.since, datetime.fromtimestamp(some[0], UTC))
        rows += await context.ask(question, structs.replace(params, since=since, starts=some))
        params = structs.replace(params, until=since)
    return rows


def _period(start: int, value: int, metric: Metric, parts: Mapping[int, list[Part]] | None) -> Period:
    return Period(instant(start * 1000), _shown(value, metric), UNSET if parts is None else parts[start])


def _shown(value: int, metric: Metric) -> int | float:
    if metric == "cost":
        return usd_of(value)
    return value / 1000 if metric == "active_seconds" else value
