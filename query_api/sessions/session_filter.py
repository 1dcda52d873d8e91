"""Which sessions a list is about: the caller's filters, within what the caller may see."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from edge.principal import Principal
from query_api.analytics.filter import refuse_other_users
from query_api.paging import PAGE_MAX, PER_PAGE_DEFAULT, PER_PAGE_MAX, Page
from query_api.question import Matching
from query_api.times import bound
from schemas.http.requests import Trigger
from schemas.log.records import Outcome
from schemas.permissions import allows

M = TypeVar("M", bound=Matching)
Status = Literal["active", "ended"]


def provide_matching(
    principal: NamedDependency[Principal],
    project_id: FromQuery[str | None] = None,
    repo: FromQuery[str | None] = None,
    agent_name: FromQuery[str | None] = None,
    current_user_only: FromQuery[bool] = False,
    user_id: FromQuery[str | None] = None,
    status: FromQuery[Status | None] = None,
    outcome: FromQuery[Outcome | None] = None,
    model: FromQuery[str | None] = None,
    trigger: FromQuery[Trigger | None] = None,
    run_id: FromQuery[UUID | None] = None,
    thread_id: FromQuery[UUID | None] = None,
    external_id: FromQuery[str | None] = None,
    started_after: FromQuery[datetime | None] = None,
    started_before: FromQuery[datetime | None] = None,
) -> Matching:
    """The filters that all lists of sessions take; ``started_after`` is included, ``started_before`` is not.

    Raises:
        ApiError: 422 for a time without an offset, 403 for the sessions of another user.
    """
    refuse_other_users(principal, user_id)
    return Matching(
        org_id=principal.org_id,
        own_user_id=principal.user_id if current_user_only else viewer_of(principal),
        user_id=user_id,
        project_id=project_id,
        repo=repo,
        agent_name=agent_name,
        model=model,
        trigger=trigger,
        outcome=outcome,
        ended=None if status is None else status == "ended",
        external_id=external_id,
        run_id=run_id,
        thread_id=thread_id,
        started_after=bound("started_after", started_after),
        started_before=bound("started_before", started_before),
    )


def provide_page(
    page: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)] = 1,
    per_page: Annotated[int, QueryParameter(ge=1, le=PER_PAGE_MAX)] = PER_PAGE_DEFAULT,
) -> Page:
    """The page asked for."""
    return Page(page, per_page)


def sees_all(principal: Principal) -> bool:
    """Whether the caller sees the sessions, and the names, of everybody in the org."""
    return allows(principal.role, "session.read_all")


def viewer_of(principal: Principal) -> str | None:
    """The one user whose sessions the caller sees; None for who sees everybody's."""
    return None if sees_all(principal) else principal.user_id


def narrowed(kind: type[M], matching: Matching, **more: Any) -> M:
    """The parameters of a question about ``matching`` that needs ``more``."""
    return kind(**msgspec.structs.asdict(matching), **more)
