"""Analytics: why tools failed, by normalised error text."""

from collections import Counter
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.analytics.filter import Filter, FilteredRange
from query_api.read_context import Context
from query_api.visibility import viewer_of
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.times import instant
from store.reading.question import Question

ROWS_MAX = 200
SESSIONS_MAX = 2_000


class Failures(FilteredRange, frozen=True):
    """The failures of tools in a range, of the ``sessions_max`` sessions that failed last; ``limit`` rows at most."""

    sessions_max: int
    limit: int


class FailureCountRow(Struct, frozen=True):
    """How often a tool failed in the sessions of an agent."""

    tool_name: str
    agent_name: str | None
    errors: int


class ErrorTextRow(Struct, frozen=True):
    """How often a tool failed with a text in the sessions of an agent, and where it did last."""

    tool_name: str
    agent_name: str | None
    error_text: str
    errors: int
    last_session_id: UUID
    last_ms: int


FAILURE_COUNTS = Question("query_api.analytics.failure_counts", FilteredRange, FailureCountRow)
ERROR_TEXTS = Question("query_api.analytics.error_texts", Failures, ErrorTextRow)


class ToolError(Struct, frozen=True):
    """Failures of a tool with the same normalised text, in the sessions of one agent."""

    tool_name: fields.ToolName
    agent_name: fields.AgentName | None
    error: Annotated[
        str | None,
        doc(
            "First line of the error, with `N` for numbers and `…` for paths and ids; after an exit code, the last "
            "line. Null if no text is known.",
            "File does not exist: …",
        ),
    ]
    count: Annotated[int, doc("Number of failed calls.", 13)]
    last_session_id: Annotated[UUID | None, doc("The session in which it happened last.", fields.SESSION_ID)]
    last_at: Annotated[str | None, moment("When it happened last.")]


@get("/sessions/analytics/tool-errors", operation_id="AnalyticsToolErrors", guards=[may("analytics.read")])
async def list_tool_errors(
    context: Context, principal: Caller, analytics_filter: Filter
) -> Response[Reply[list[ToolError]]]:
    """List why tools failed, the most frequent first: 200 texts of the 2,000 sessions that failed last.

    For each tool and agent, the counts add up to the failures in the range: those without a known text are one entry.
    Members and viewers see their own sessions.
    """
    if own := viewer_of(principal):
        analytics_filter = analytics_filter._replace(dimensions={**analytics_filter.dimensions, "user_id": own})
    failures = analytics_filter.params(Failures, sessions_max=SESSIONS_MAX, limit=ROWS_MAX)
    texts = await context.ask(ERROR_TEXTS, failures)
    counts = await context.ask(FAILURE_COUNTS, analytics_filter.params(FilteredRange))
    known = Counter[tuple[str, str | None]]()
    for row in texts:
        known[row.tool_name, row.agent_name] += row.errors
    unknown = [
        ToolError(row.tool_name, row.agent_name, None, missing, None, None)
        for row in counts
        if (missing := row.errors - known[row.tool_name, row.agent_name]) > 0
    ]
    found = [*map(_shown, texts), *unknown]
    found.sort(key=lambda one: (-one.count, one.tool_name, one.agent_name or "", one.error or ""))
    return context.reply_with_freshness(found)


def _shown(row: ErrorTextRow) -> ToolError:
    last_at = instant(row.last_ms)
    return ToolError(row.tool_name, row.agent_name, row.error_text, row.errors, row.last_session_id, last_at)
