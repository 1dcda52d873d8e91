"""The one way from an id in a path to a session that the caller may see."""

import asyncio
from time import monotonic
from uuid import UUID

from edge.errors import not_found
from edge.principal import Principal
from query_api.reading import Reading
from query_api.session_filters import sees_all
from query_api.session_replies import session_by_id
from schemas.ids import IdSecrets, UnknownId, verify
from schemas.responses import Session

WAIT_S = 2.0
POLL_S = 0.05


async def visible_session(reading: Reading, principal: Principal, session_id: UUID, secrets: IdSecrets) -> Session:
    """The session, as soon as it is projected.

    Raises:
        ApiError: 404, the same and as fast, for what does not exist, is another org's, or another user's.
    """
    session = await session_by_id(reading, principal.org_id, session_id)
    if session is None and _minted_here(secrets, principal.org_id, session_id):
        session = await _wait_for(reading, principal.org_id, session_id)
    if session is None or (session.user_id != principal.user_id and not sees_all(principal)):
        raise not_found()
    return session


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
