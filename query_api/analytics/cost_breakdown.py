"""Analytics: cost by model, project and user."""

from typing import Annotated, TypeVar

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.analytics.filter import Buckets, Filter, ratio
from query_api.analytics.work import MemberRow
from query_api.read_context import Context
from query_api.visibility import viewer_of
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, from_row
from schemas.models import canonical_model
from schemas.money import usd_of
from store.reading.question import Question

C = TypeVar("C", bound=Struct)


class CostsOf(Buckets, frozen=True):
    """These buckets, filtered by model too. ``viewer_id`` is set if the caller may not see other users' names."""

    model: str | None
    viewer_id: str | None


# Its rows are members of the lists `total`, `model`, `project` and `user`.
COST_BREAKDOWN = Question("query_api.analytics.cost_breakdown", CostsOf, MemberRow)


class Cost(Struct, frozen=True, kw_only=True):
    """What a part of the sessions cost."""

    sessions: fields.Sessions
    cost_usd: fields.CostUsd
    tokens: fields.Tokens
    cost_share: fields.CostShare | None


class ModelCost(Cost, frozen=True):
    """The cost of one model; its sessions are those that used it."""

    model: fields.Model


class ProjectCost(Cost, frozen=True):
    """The cost of one project; sessions without a project have the id ``null``."""

    project_id: fields.ProjectId | None


class UserCost(Cost, frozen=True):
    """The cost of one user."""

    user_id: fields.UserId


class CostBreakdown(Struct, frozen=True):
    """The total and its parts. Each list adds up to it, unless the caller sees only themselves in ``by_user``."""

    total_cost_usd: fields.TotalCostUsd
    by_model: Annotated[list[ModelCost], doc("Cost by model, highest first.")]
    by_project: Annotated[list[ProjectCost], doc("Cost by project, highest first.")]
    by_user: Annotated[list[UserCost], doc("Cost by user whom the caller may see, highest first.")]


@get("/sessions/analytics/cost-breakdown", operation_id="AnalyticsCostBreakdown", guards=[may("analytics.read")])
async def get_cost_breakdown(
    context: Context, principal: Caller, analytics_filter: Filter, model: FromQuery[fields.Model | None] = None
) -> Response[Reply[CostBreakdown]]:
    """Return the total cost and its breakdown by model, project and user, the most expensive first."""
    params = analytics_filter.params(CostsOf, model=model and canonical_model(model), viewer_id=viewer_of(principal))
    rows = await context.ask(COST_BREAKDOWN, params)
    total = sum(row.cost_nano for row in rows if row.list == "total")  # 0 if there are no rows
    breakdown = CostBreakdown(
        total_cost_usd=usd_of(total),
        by_model=_members(rows, "model", total, ModelCost),
        by_project=_members(rows, "project", total, ProjectCost),
        by_user=_members(rows, "user", total, UserCost),
    )
    return context.reply_with_freshness(breakdown)


def _members(rows: list[MemberRow], name: str, total: int, kind: type[C]) -> list[C]:
    member, *_ = kind.__struct_fields__
    return [
        from_row(kind, row, **{member: row.member, "cost_share": ratio(row.cost_nano, total)})
        for row in rows
        if row.list == name
    ]
