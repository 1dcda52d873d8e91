"""The filters of all session lists, limited to the sessions that the caller may see."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery
from msgspec import Struct

from edge.principal import Caller
from query_api.days import bound
from query_api.visibility import refuse_other_users, viewer_of
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.requests import Trigger
from schemas.log.records import Outcome
from schemas.models import canonical_model


class SessionFilter(Struct, frozen=True):
    """Filters for an org's sessions; ``None`` filters nothing. ``own_user_id``: the caller sees only their own."""

    org_id: str
    own_user_id: str | None
    user_id: str | None
    project_id: str | None
    repo: str | None
    agent_name: str | None
    model: str | None
    trigger: str | None
    outcome: str | None
    ended: bool | None
    external_id: str | None
    run_id: UUID | None
    thread_id: UUID | None
    started_after: datetime | None
    started_before: datetime | None


F = TypeVar("F", bound=SessionFilter)
Filter = NamedDependency[SessionFilter]  # of a route; the parameter is named ``session_filter``
Status = Annotated[Literal["active", "ended"], doc("Return only sessions in this state.", "ended")]
StartedAfter = Annotated[datetime, moment("Return only sessions that started at or after this time.")]
StartedBefore = Annotated[datetime, moment("Return only sessions that started before this time.")]


def all_of(org_id: str) -> SessionFilter:
    """Return the filter that every session of an org passes."""
    absent = dict.fromkeys(SessionFilter.__struct_fields__, None)
    return SessionFilter(**{**absent, "org_id": org_id})  # type: ignore[arg-type]  # by name


def with_filter(params: type[F], session_filter: SessionFilter, **more: Any) -> F:
    """Return the parameters of a question that takes this filter, with ``more`` added."""
    return params(**msgspec.structs.asdict(session_filter), **more)


def provide_session_filter(
    principal: Caller,
    project_id: FromQuery[fields.ProjectId | None] = None,
    repo: FromQuery[fields.Repo | None] = None,
    agent_name: FromQuery[fields.AgentName | None] = None,
    current_user_only: FromQuery[Annotated[bool, doc("Return only the caller's sessions.", True)]] = False,
    user_id: FromQuery[fields.UserId | None] = None,
    status: FromQuery[Status | None] = None,
    outcome: FromQuery[Annotated[Outcome, fields.OUTCOME] | None] = None,
    model: FromQuery[fields.Model | None] = None,
    trigger: FromQuery[Annotated[Trigger, doc("Origin of the session.", "interactive")] | None] = None,
    run_id: FromQuery[fields.RunId | None] = None,
    thread_id: FromQuery[fields.ThreadId | None] = None,
    external_id: FromQuery[fields.ExternalId | None] = None,
    started_after: FromQuery[StartedAfter | None] = None,
    started_before: FromQuery[StartedBefore | None] = None,
) -> SessionFilter:
    """Return the filter of the query parameters; ``started_after`` is inclusive, ``started_before`` exclusive.

    Raises `ApiError`: 422 for a time without an offset, 403 for the sessions of another user.
    """
    refuse_other_users(principal, user_id)
    return SessionFilter(
        org_id=principal.org_id,
        own_user_id=principal.user_id if current_user_only else viewer_of(principal),
        user_id=user_id,
        project_id=project_id,
        repo=repo,
        agent_name=agent_name,
        model=model and canonical_model(model),
        trigger=trigger,
        outcome=outcome,
        ended=None if status is None else status == "ended",
        external_id=external_id,
        run_id=run_id,
        thread_id=thread_id,
        started_after=bound("started_after", started_after),
        started_before=bound("started_before", started_before),
    )
