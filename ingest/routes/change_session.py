"""PATCH /:org_id/sessions/:session_id"""

from typing import Any

import msgspec
from litestar import Request, Response, patch

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import InSession
from ingest.intake.sessions.change import changes_as_accepted, seal_change
from ingest.intake.steps import append_record, durable
from schemas.http.requests import ChangeSession
from schemas.http.responses import ChangedSession, Reply

_decoder = msgspec.json.Decoder(ChangeSession)


@patch(
    "/api/v1/{org_id:str}/sessions/{session_id:str}",
    operation_id="ChangeSession",
    guards=[may("session.write")],
    opt=takes(ChangeSession),
)
async def change_session(request: Request[Any, Any, Any], session_write: InSession) -> Response[Reply[ChangedSession]]:
    """Set or clear fields, report running totals; a later report replaces an earlier one entirely."""
    async with session_write.bodies.read(request) as body:
        asked = await body.decode(_decoder)
        sealed = seal_change(asked, session_write.session_id, session_write.asker)
        record, position = await append_record(session_write, sealed)
    return durable(changes_as_accepted(asked, record), position)
