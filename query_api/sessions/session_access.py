"""The one way from an id in a path to a session that the caller may see."""

import asyncio
from time import monotonic
from uuid import UUID

from edge.errors import not_found
from edge.principal import Principal
from query_api.read_context import Reading
from query_api.sessions.by_id import session_by_id
from query_api.sessions.session_filter import sees_all
from query_api.time_class import end_of_class
from schemas.http.responses import Session
from schemas.ids import IdSecrets, UnknownId, verify

WAIT_S = 2.0
POLL_S = 0.05
NO_SESSION = UUID(int=0)  # of no version, so no id is like it


async def visible_session(reading: Reading, principal: Principal, session_id: UUID, secrets: IdSecrets) -> Session:
    """Return the session, as soon as it is projected.

    Raises:
        ApiError: 404 in one time class for what does not exist, is another org's, or another user's.
    """
    began = monotonic()
    session = await _session_of_org(reading, principal.org_id, session_id, secrets)
    if session is None or (session.user_id != principal.user_id and not sees_all(principal)):
        await end_of_class(began)
        raise not_found()
    return session


async def _session_of_org(reading: Reading, org_id: str, session_id: UUID, secrets: IdSecrets) -> Session | None:
    """An id that was not minted for the org is not looked up: the store would take longer if another org had it.

    The same question about no session takes the same way instead, through the same queue.
    """
    if not _minted_here(secrets, org_id, session_id):
        return await session_by_id(reading, org_id, NO_SESSION)
    return await session_by_id(reading, org_id, session_id) or await _wait_for(reading, org_id, session_id)


async def _wait_for(reading: Reading, org_id: str, session_id: UUID) -> Session | None:
    give_up_at = monotonic() + WAIT_S
    session = None
    while session is None and monotonic() < give_up_at:
        await asyncio.sleep(POLL_S)
        session = await session_by_id(reading, org_id, session_id)
    return session


def _minted_here(secrets: IdSecrets, org_id: str, session_id: UUID) -> bool:
    try:
        verify(secrets, "session", org_id, session_id)
    except UnknownId:
        return False
    return True
