"""The sessions of an org that are at work now, and those that wait for a person."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context
from query_api.sessions.by_id import OrgSessionKey, SessionDetailRow, load_session_rows, session_of
from query_api.visibility import viewer_of
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply, from_row
from schemas.times import instant
from store.reading.question import Question

LIVE = timedelta(minutes=15)
SESSIONS_MAX = 200
_ASKS = ["Elicitation", "PermissionRequest", "Stop", "StopFailure"]
_WORKS = [
    *("ElicitationResult", "PermissionDenied", "PostToolBatch", "PostToolUse", "PostToolUseFailure"),
    *("PreToolUse", "UserPromptSubmit"),
]
Clock = NamedDependency[SkipValidation[Callable[[], float]]]


class LiveOfOrg(Struct, frozen=True):
    """The active sessions of an org with an event since then, ``limit`` at most; ``None`` is every user."""

    org_id: str
    viewer_id: str | None
    since: datetime
    limit: int


class StepsOf(Struct, frozen=True):
    """Sessions of an org, and the types of events by which an agent asks a person, and by which it works."""

    org_id: str
    session_ids: list[UUID]
    asks: list[str]
    works: list[str]


class LastSteps(Struct, frozen=True):
    """What a session did last."""

    session_id: UUID
    last_tool: str | None = None
    waiting_since_ms: int | None = None


LIVE_SESSIONS = Question("query_api.sessions.live", LiveOfOrg, OrgSessionKey)
LAST_STEPS = Question("query_api.sessions.last_steps", StepsOf, LastSteps)


class LiveSession(Struct, frozen=True):
    """An active session, what it does, and what it spent so far."""

    id: fields.Id
    user_id: fields.UserId
    agent_name: fields.AgentName | None
    repo: fields.Repo | None
    branch: fields.Branch | None
    title: fields.Title | None
    started_at: fields.StartedAt
    last_event_at: fields.LastEventAt | None
    last_tool: Annotated[str | None, doc("Tool that the session used last.", "Bash")]
    waiting_since: Annotated[
        str | None,
        moment("Since when it waits for a person: for a prompt, a permission or an answer; null while it works."),
    ]
    tokens: fields.Tokens
    cost_usd: fields.CostUsd


@get("/sessions/live", operation_id="ListLiveSessions", guards=[may("session.read")])
async def list_live_sessions(context: Context, principal: Caller, now: Clock) -> Response[Reply[list[LiveSession]]]:
    """List the active sessions with an event in the last 15 minutes, the latest first: the first 200.

    Sensitive sessions are left out.
    """
    since = datetime.fromtimestamp(int(now()), UTC) - LIVE  # whole seconds, so that answers are shared
    params = LiveOfOrg(principal.org_id, viewer_of(principal), since, SESSIONS_MAX)
    rows = await load_session_rows(context, principal.org_id, await context.ask(LIVE_SESSIONS, params))
    ids = [row.session_id for row in rows]
    steps = await context.ask(LAST_STEPS, StepsOf(principal.org_id, ids, _ASKS, _WORKS)) if ids else []
    last = {one.session_id: one for one in steps}
    return context.reply([_live(row, last.get(row.session_id) or LastSteps(row.session_id)) for row in rows])


def _live(row: SessionDetailRow, last: LastSteps) -> LiveSession:
    since_ms = last.waiting_since_ms
    return from_row(
        LiveSession,
        session_of(row),
        last_tool=last.last_tool,
        waiting_since=None if since_ms is None else instant(since_ms),
        tokens=row.tokens,
        cost_usd=row.cost_usd,
    )
