"""Analytics: what each user did."""

from litestar import Response, get
from litestar.di import NamedDependency

from edge.guards import may
from query_api.analytics.filter import Selection
from query_api.analytics.responses import UserUse, seconds
from query_api.paging import Page
from query_api.question import BY_USER, SlicePage, UserRow
from query_api.read_context import Reading
from schemas.http.responses import Reply, instant
from schemas.money import usd_of


@get("/sessions/analytics/by-user", operation_id="AnalyticsByUser", guards=[may("analytics.by_user")])
async def by_user(
    reading: NamedDependency[Reading], selection: NamedDependency[Selection], paging: NamedDependency[Page]
) -> Response[Reply[list[UserUse]]]:
    """The users by what they cost."""
    question = selection.params(SlicePage, limit=paging.size, offset=paging.offset)
    rows, total = await reading.page(BY_USER, question)
    return reading.analytics([_user(row) for row in rows], paging.meta(total))


def _user(row: UserRow) -> UserUse:
    return UserUse(
        user_id=row.user_id,
        sessions=row.sessions,
        cost_usd=usd_of(row.cost_nano),
        tokens=row.tokens,
        avg_duration_seconds=seconds(row.duration_ms, row.ended),
        last_active_at=instant(row.last_active_ms),
        top_agent=row.top_agent,
    )
