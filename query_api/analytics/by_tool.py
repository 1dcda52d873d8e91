"""Analytics: which tools were used, and which failed.

A session's tool calls and tool errors are the sums over its tools (`processors/projections/sessions.py`). So this list
adds up to the numbers of the summary, unless tools are left out.
"""

from typing import Annotated

from litestar import Response, get
from msgspec import Struct

from edge.guards import may
from query_api.analytics.filter import Filter, FilteredRange, ratio
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, from_row
from store.reading.question import Question

TOOLS_MAX = 1_000


class ToolRow(Struct, frozen=True):
    """One tool's calls, in all sessions that used it."""

    tool_name: str
    sessions: int
    calls: int
    errors: int
    total_duration_ms: int


class Tools(FilteredRange, frozen=True):
    """The tools that were used in a range, ``limit`` at most."""

    limit: int


BY_TOOL = Question("query_api.analytics.by_tool", Tools, ToolRow)


class ToolAcrossSessions(Struct, frozen=True):
    """How the calls of one tool went, in all sessions that used it."""

    tool_name: fields.ToolName
    sessions: Annotated[int, doc("Number of sessions that used the tool.", 98)]
    calls: fields.Calls
    errors: fields.Errors
    tool_error_rate: fields.ToolErrorRate | None
    total_duration_ms: fields.TotalDurationMs


@get("/sessions/analytics/by-tool", operation_id="AnalyticsByTool", guards=[may("analytics.read")])
async def list_by_tool(context: Context, analytics_filter: Filter) -> Response[Reply[list[ToolAcrossSessions]]]:
    """List the tools by errors, then by calls: the first 1,000.

    If no tool is left out, `calls` and `errors` add up to the summary's tool calls and tool errors. This list is read
    from the sessions themselves, so it may show a write a moment before the other analytics do.
    """
    rows = await context.ask(BY_TOOL, analytics_filter.params(Tools, limit=TOOLS_MAX))
    return context.reply_with_freshness(
        [from_row(ToolAcrossSessions, row, tool_error_rate=ratio(row.errors, row.calls)) for row in rows]
    )
