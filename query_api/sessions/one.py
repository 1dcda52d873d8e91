"""One session, and the only code that turns an id from a path into a session that the caller may see."""

import asyncio
from time import monotonic
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, SkipValidation

from edge.errors import not_found
from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Caller, Principal
from query_api.read_context import Context, ReadContext, Secrets
from query_api.sessions.by_id import SessionDetailRow, load_session_row, session_of
from query_api.sessions.history import History, parse_as_of, session_as_of
from query_api.visibility import hide_timing, sees_all
from schemas.http.fields import doc
from schemas.http.responses import Reply, Session
from schemas.ids import IdSecrets, UnknownId, verify

WAIT_S = 2.0
POLL_S = 0.05
NO_SESSION = UUID(int=0)  # has no UUID version, so no session has this id
AsOf = Annotated[
    str,
    doc(
        "Return what was known at this log position, or at this RFC 3339 time with an offset. "
        "A later point gives the current state. Records that added nothing do not count.",
        "2:1841",
    ),
]


@get("/sessions/{session_id:str}", operation_id="GetSession", guards=[may("session.read")])
async def get_session(
    session_id: FromPath[str],
    principal: Caller,
    context: Context,
    id_secrets: Secrets,
    history: NamedDependency[SkipValidation[History]],
    as_of: FromQuery[AsOf | None] = None,
) -> Response[Reply[Session]]:
    """Return the whole session. A request for a session that was just created waits for it, up to 2 s.

    With `as_of`, return the session as it was known at a log position, or at a time: up to the last of its records that
    was received by then. `meta.as_of` is the position of the last record included.
    """
    began, point = monotonic(), None if as_of is None else parse_as_of(as_of)
    session = await load_visible_session(context, principal, session_id, id_secrets)
    if point is None:
        return context.reply(session)
    known = await session_as_of(context, history, session, point)
    if known is None:
        await hide_timing(began)
        raise not_found()
    return context.reply(known, {"as_of": known.position})


async def load_visible_session(
    context: ReadContext, principal: Principal, session_id: str, secrets: IdSecrets
) -> Session:
    """Return the session with the id in a path, as soon as it is projected.

    Raises `ApiError` (404) if it does not exist or is another org's or user's, with the same timing in each case.
    """
    return session_of(await load_visible_row(context, principal, session_id, secrets))


async def load_visible_row(
    context: ReadContext, principal: Principal, session_id: str, secrets: IdSecrets
) -> SessionDetailRow:
    """Return the same session as a row."""
    began = monotonic()
    session = await _row_of_org(context, principal.org_id, parse_id(session_id), secrets)
    if session is None or (session.user_id != principal.user_id and not sees_all(principal)):
        await hide_timing(began)
        raise not_found()
    return session


async def _row_of_org(
    context: ReadContext, org_id: str, session_id: UUID, secrets: IdSecrets
) -> SessionDetailRow | None:
    """Look up an id only if it was minted for this org: the lookup would take longer if another org had the session.

    For any other id, ask the same question about no session, so that it goes through the same queue.
    """
    if not _minted_here(secrets, org_id, session_id):
        return await load_session_row(context, org_id, NO_SESSION)
    session = await load_session_row(context, org_id, session_id)
    give_up_at = monotonic() + WAIT_S
    while session is None and monotonic() < give_up_at:
        await asyncio.sleep(POLL_S)
        session = await load_session_row(context, org_id, session_id)
    return session


def _minted_here(secrets: IdSecrets, org_id: str, session_id: UUID) -> bool:
    try:
        verify(secrets, "session", org_id, session_id)
    except UnknownId:
        return False
    return True
