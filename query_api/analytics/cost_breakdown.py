"""Analytics: where the money went."""

from collections.abc import Callable
from typing import Any, TypeVar

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from edge.guards import may
from edge.principal import Principal
from query_api.analytics.filter import Selection
from query_api.analytics.responses import CostBreakdown, ModelCost, ProjectCost, UserCost, ratio
from query_api.question import COST_BREAKDOWN, CostRow, CostSlice
from query_api.read_context import Reading
from query_api.sessions.session_filter import sees_all
from schemas.http.responses import Reply
from schemas.money import usd_of

T = TypeVar("T")


@get("/sessions/analytics/cost-breakdown", operation_id="AnalyticsCostBreakdown", guards=[may("analytics.read")])
async def cost_breakdown(
    reading: NamedDependency[Reading],
    principal: NamedDependency[Principal],
    selection: NamedDependency[Selection],
    model: FromQuery[str | None] = None,
) -> Response[Reply[CostBreakdown]]:
    """The total, and what it is made of by model, by project and by user, the costliest first."""
    viewer_id = None if sees_all(principal) else principal.user_id
    return reading.analytics(
        breakdown_of(await reading.ask(COST_BREAKDOWN, selection.params(CostSlice, model=model, viewer_id=viewer_id)))
    )


def breakdown_of(rows: list[CostRow]) -> CostBreakdown:
    """The reply's lists; without any row nothing was spent."""
    total = sum(row.cost_nano for row in rows if row.list == "total")
    return CostBreakdown(
        total_cost_usd=usd_of(total),
        by_model=_members(rows, "model", total, ModelCost),
        by_project=_members(rows, "project", total, ProjectCost),
        by_user=_members(rows, "user", total, UserCost),
    )


def _members(rows: list[CostRow], name: str, total: int, make: Callable[..., T]) -> list[T]:
    return [make(*_measures(row, total)) for row in rows if row.list == name]


def _measures(row: CostRow, total: int) -> tuple[Any, ...]:
    return row.member, row.sessions, usd_of(row.cost_nano), row.tokens, ratio(row.cost_nano, total)
