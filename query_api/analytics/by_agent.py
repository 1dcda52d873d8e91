"""Analytics: what each agent did."""

from litestar import Response, get
from litestar.di import NamedDependency

from edge.guards import may
from query_api.analytics.filter import Selection
from query_api.analytics.responses import AgentUse, ratio, seconds
from query_api.question import BY_AGENT, AgentRow
from query_api.read_context import Reading
from schemas.http.responses import Reply
from schemas.money import usd_of


@get("/sessions/analytics/by-agent", operation_id="AnalyticsByAgent", guards=[may("analytics.read")])
async def by_agent(
    reading: NamedDependency[Reading], selection: NamedDependency[Selection]
) -> Response[Reply[list[AgentUse]]]:
    """The agents by what they cost; the sessions without one are an agent named ``null``."""
    rows = await reading.ask(BY_AGENT, selection.slice)
    total_nano = sum(row.cost_nano for row in rows)
    return reading.analytics([_agent(row, total_nano) for row in rows])


def _agent(row: AgentRow, total_nano: int) -> AgentUse:
    return AgentUse(
        agent_name=row.agent_name,
        sessions=row.sessions,
        cost_usd=usd_of(row.cost_nano),
        tokens=row.tokens,
        avg_duration_seconds=seconds(row.duration_ms, row.ended),
        users=row.users,
        tool_error_rate=ratio(row.tool_errors, row.tool_calls),
        cost_share=ratio(row.cost_nano, total_nano),
    )
