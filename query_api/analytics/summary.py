"""Analytics: totals."""

from typing import Annotated

from litestar import Response, get

from edge.guards import may
from query_api.analytics.filter import Buckets, Filter, WholeRange, ratio
from query_api.analytics.work import SumsRow, WorkSums
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, from_row
from store.reading.question import Question


class SummaryRow(SumsRow, frozen=True):
    failed: int
    tool_calls: int
    tool_errors: int
    users: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int


SUMMARY = Question("query_api.analytics.summary", WholeRange, SummaryRow)
SUMMARY_BY_DIMENSION = Question("query_api.analytics.summary_by_dimension", Buckets, SummaryRow)


class Summary(WorkSums, frozen=True):
    """The sessions that started in these days, and the cost, tokens, tool calls and work of these days."""

    total_sessions: Annotated[int, doc("Number of sessions that started in these days.", 120)]
    active_sessions: Annotated[int, doc("Number of these sessions that have not ended.", 3)]
    ended_sessions: Annotated[int, doc("Number of these sessions that have ended.", 117)]
    failed_sessions: Annotated[int, doc("Number of these sessions with outcome `failure` or `timeout`.", 9)]
    total_cost_usd: fields.TotalCostUsd
    total_tokens: Annotated[int, doc("Sum of all tokens.", 1_460_000)]
    input_tokens: fields.InputTokens
    output_tokens: fields.OutputTokens
    cache_read_tokens: fields.CacheReadTokens
    cache_creation_tokens: fields.CacheCreationTokens
    avg_duration_seconds: fields.AvgDurationSeconds | None
    avg_cost_usd_per_session: Annotated[float | None, doc("Cost divided by sessions, in US dollars.", 0.102880657)]
    unique_users: Annotated[int, doc("Number of users with a session in these days.", 7)]
    tool_calls: fields.ToolCalls
    tool_error_rate: fields.ToolErrorRate | None


@get("/sessions/analytics/summary", operation_id="AnalyticsSummary", guards=[may("analytics.read")])
async def get_summary(context: Context, analytics_filter: Filter) -> Response[Reply[Summary]]:
    """Return how many sessions started in these days, and what all sessions cost and did in these days."""
    if analytics_filter.has_dimension:
        (row,) = await context.ask(SUMMARY_BY_DIMENSION, analytics_filter.buckets)
    else:
        (row,) = await context.ask(SUMMARY, analytics_filter.params(WholeRange))
    summary = from_row(
        Summary,
        row,
        total_sessions=row.sessions,
        active_sessions=row.sessions - row.ended,
        ended_sessions=row.ended,
        failed_sessions=row.failed,
        total_cost_usd=row.cost_usd,
        total_tokens=row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_creation_tokens,
        avg_cost_usd_per_session=ratio(float(row.cost_usd), row.sessions),
        unique_users=row.users,
        tool_error_rate=ratio(row.tool_errors, row.tool_calls),
    )
    return context.reply_with_freshness(summary)
