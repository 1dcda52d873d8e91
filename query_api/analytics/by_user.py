"""Analytics: what each user did."""

from typing import Annotated

from litestar import Response, get

from edge.guards import may
from query_api.analytics.filter import Filter, LimitedBuckets
from query_api.analytics.work import SumsRow, WorkSums
from query_api.read_context import Context, Paging
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply, from_row
from schemas.times import instant
from store.reading.question import Question


class UsersPage(LimitedBuckets, frozen=True):
    offset: int


class UserRow(SumsRow, frozen=True):
    user_id: str
    tokens: int
    last_active_ms: int
    top_agent: str | None
    total_count: int

    @property
    def last_active_at(self) -> str:
        return instant(self.last_active_ms)


BY_USER = Question("query_api.analytics.by_user", UsersPage, UserRow)


class UserUse(WorkSums, frozen=True):
    """What one user did, and the agent that ran most of the user's sessions."""

    user_id: fields.UserId
    sessions: fields.Sessions
    cost_usd: fields.CostUsd
    tokens: fields.Tokens
    avg_duration_seconds: fields.AvgDurationSeconds | None
    last_active_at: Annotated[str, moment("Time of the latest activity.", "2026-01-20T10:43:31.000Z")]
    top_agent: Annotated[str | None, doc("Most used agent.", "reviewer")]


@get("/sessions/analytics/by-user", operation_id="AnalyticsByUser", guards=[may("analytics.by_user")])
async def list_by_user(context: Context, analytics_filter: Filter, paging: Paging) -> Response[Reply[list[UserUse]]]:
    """List the users by cost, the most expensive first."""
    params = analytics_filter.params(UsersPage, limit=paging.size, offset=paging.offset)
    rows, total = await context.ask_page(BY_USER, params)
    return context.reply_with_freshness([from_row(UserUse, row) for row in rows], paging.meta(total))
