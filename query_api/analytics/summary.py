"""Analytics: totals."""

from litestar import Response, get
from litestar.di import NamedDependency

from edge.guards import may
from query_api.analytics.filter import Selection
from query_api.analytics.responses import Summary, ratio, seconds
from query_api.question import SUMMARY, SUMMARY_BY_DIMENSION, OrgDays, SummaryRow
from query_api.read_context import Reading, only
from schemas.http.responses import Reply
from schemas.money import usd_of


@get("/sessions/analytics/summary", operation_id="AnalyticsSummary", guards=[may("analytics.read")])
async def summary(reading: NamedDependency[Reading], selection: NamedDependency[Selection]) -> Response[Reply[Summary]]:
    """Totals over the sessions that started in these days."""
    return reading.analytics(summary_of(await totals(reading, selection)))


async def totals(reading: Reading, selection: Selection) -> SummaryRow:
    """The totals of a selection, from whole buckets unless it is cut."""
    if selection.is_cut:
        return only(await reading.ask(SUMMARY_BY_DIMENSION, selection.slice))
    whole = OrgDays(selection.slice.org_id, selection.slice.since, selection.slice.until)
    return only(await reading.ask(SUMMARY, whole))


def summary_of(row: SummaryRow) -> Summary:
    """The reply's numbers."""
    return Summary(
        total_sessions=row.sessions,
        active_sessions=row.sessions - row.ended,
        ended_sessions=row.ended,
        failed_sessions=row.failed,
        total_cost_usd=usd_of(row.cost_nano),
        total_tokens=row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_creation_tokens,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_creation_tokens=row.cache_creation_tokens,
        avg_duration_seconds=seconds(row.duration_ms, row.ended),
        avg_cost_usd_per_session=ratio(float(usd_of(row.cost_nano)), row.sessions),
        unique_users=row.users,
        tool_calls=row.tool_calls,
        tool_error_rate=ratio(row.tool_errors, row.tool_calls),
    )
