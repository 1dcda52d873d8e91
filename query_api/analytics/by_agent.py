"""Analytics: what each agent did."""

from typing import Annotated

from litestar import Response, get

from edge.guards import may
from query_api.analytics.filter import Buckets, Filter, ratio
from query_api.analytics.work import SumsRow, WorkSums
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, from_row
from store.reading.question import Question


class AgentRow(SumsRow, frozen=True):
    """The sums of one agent, or of the sessions without an agent."""

    agent_name: str | None
    tool_calls: int
    tool_errors: int
    users: int
    tokens: int

    @property
    def tool_error_rate(self) -> float | None:
        return ratio(self.tool_errors, self.tool_calls)


BY_AGENT = Question("query_api.analytics.by_agent", Buckets, AgentRow)


class AgentUse(WorkSums, frozen=True):
    """What one agent did; sessions without an agent have the name ``null``."""

    agent_name: fields.AgentName | None
    sessions: fields.Sessions
    cost_usd: fields.CostUsd
    tokens: fields.Tokens
    avg_duration_seconds: fields.AvgDurationSeconds | None
    users: Annotated[int, doc("Number of users with a session in these days.", 7)]
    tool_error_rate: fields.ToolErrorRate | None
    cost_share: fields.CostShare | None


@get("/sessions/analytics/by-agent", operation_id="AnalyticsByAgent", guards=[may("analytics.read")])
async def list_by_agent(context: Context, analytics_filter: Filter) -> Response[Reply[list[AgentUse]]]:
    """List the agents by cost, the most expensive first. Sessions without an agent have the name ``null``."""
    rows = await context.ask(BY_AGENT, analytics_filter.buckets)
    total_nano = sum(row.cost_nano for row in rows)
    return context.reply_with_freshness(
        [from_row(AgentUse, row, cost_share=ratio(row.cost_nano, total_nano)) for row in rows]
    )
