"""The filters of all session lists, limited to the sessions that the caller may see."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_args
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery
from msgspec import Struct

from edge.errors import invalid
from edge.principal import Caller
from query_api.days import bound, bucket_range
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
    outcomes: list[str]  # empty filters nothing; `none`: without one
    ended: bool | None
    external_id: str | None
    id_prefix: str | None
    run_id: UUID | None
    thread_id: UUID | None
    started_after: datetime | None
    started_before: datetime | None
    spent_after: datetime | None  # both or none, each the start of a bucket
    spent_before: datetime | None


F = TypeVar("F", bound=SessionFilter)
Filter = NamedDependency[SessionFilter]  # of a route; the parameter is named ``session_filter``
Status = Annotated[Literal["active", "ended"], doc("Return only sessions in this state.", "ended")]
StartedAfter = Annotated[datetime, moment("Return only sessions that started at or after this time.")]
StartedBefore = Annotated[datetime, moment("Return only sessions that started before this time.")]
_OUTCOMES = sorted({*get_args(Outcome), "none"})
_ONE = f"({'|'.join(_OUTCOMES)})"
Outcomes = Annotated[
    str,
    doc(
        "Return only sessions with one of these outcomes, separated by commas; `none` is one.",
        "failure,timeout",
        extra_json_schema={"pattern": f"^{_ONE}(,{_ONE})*$"},
    ),
]
_ID_PREFIX = "^[0-9a-f]{8}[0-9a-f-]{0,28}$"
IdPrefix = Annotated[
    str,
    doc(
        "Return only sessions whose id begins with this: the first 8 characters or more.",
        "9b2f41c0",
        extra_json_schema={"pattern": _ID_PREFIX},
    ),
]
SpentAfter = Annotated[
    datetime,
    moment("Return only sessions with cost, tokens or work from this time on, rounded down to 15 minutes."),
]
SpentBefore = Annotated[
    datetime, moment("Return only sessions with cost, tokens or work before this time, rounded down to 15 minutes.")
]


def all_of(org_id: str) -> SessionFilter:
    """Return the filter that every session of an org passes."""
    absent = dict.fromkeys(SessionFilter.__struct_fields__, None)
    return SessionFilter(**{**absent, "org_id": org_id, "outcomes": []})  # type: ignore[arg-type]  # by name


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
    outcome: FromQuery[Outcomes | None] = None,
    model: FromQuery[fields.Model | None] = None,
    trigger: FromQuery[Annotated[Trigger, doc("Origin of the session.", "interactive")] | None] = None,
    run_id: FromQuery[fields.RunId | None] = None,
    thread_id: FromQuery[fields.ThreadId | None] = None,
    external_id: FromQuery[fields.ExternalId | None] = None,
    id_prefix: FromQuery[IdPrefix | None] = None,
    started_after: FromQuery[StartedAfter | None] = None,
    started_before: FromQuery[StartedBefore | None] = None,
    spent_after: FromQuery[SpentAfter | None] = None,
    spent_before: FromQuery[SpentBefore | None] = None,
) -> SessionFilter:
    """Return the filter of the query parameters; ``…_after`` is inclusive, ``…_before`` exclusive.

    Raises `ApiError`: 422 for a time without an offset, an unknown outcome or an invalid ``id_prefix``; 403 for the
    sessions of another user.
    """
    refuse_other_users(principal, user_id)
    spent = bucket_range(bound("spent_after", spent_after), bound("spent_before", spent_before))
    return SessionFilter(
        org_id=principal.org_id,
        own_user_id=principal.user_id if current_user_only else viewer_of(principal),
        user_id=user_id,
        project_id=project_id,
        repo=repo,
        agent_name=agent_name,
        model=model and canonical_model(model),
        trigger=trigger,
        outcomes=_outcomes(outcome),
        ended=None if status is None else status == "ended",
        external_id=external_id,
        id_prefix=_id_prefix(id_prefix),
        run_id=run_id,
        thread_id=thread_id,
        started_after=bound("started_after", started_after),
        started_before=bound("started_before", started_before),
        spent_after=spent and spent[0],
        spent_before=spent and spent[1],
    )


def _id_prefix(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(_ID_PREFIX, text):
        raise invalid({"id_prefix": ["must be the first 8 characters of a session id, or more"]})
    return text


def _outcomes(text: str | None) -> list[str]:
    found = [] if text is None else text.split(",")
    if not set(_OUTCOMES).issuperset(found):
        raise invalid({"outcome": [f"must be one or more of {', '.join(_OUTCOMES)}, separated by commas"]})
    return found
