"""POST /:org_id/sessions/:session_id/end"""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.status_codes import HTTP_200_OK

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import InSession
from ingest.intake.sessions.change import end_as_accepted, seal_end
from ingest.intake.steps import append_record, durable
from schemas.http.requests import EndSession
from schemas.http.responses import EndedSession, Reply

_decoder = msgspec.json.Decoder(EndSession)


@post(
    "/api/v1/{org_id:str}/sessions/{session_id:str}/end",
    status_code=HTTP_200_OK,
    operation_id="EndSession",
    guards=[may("session.write")],
    opt=takes(EndSession),
)
async def end_session(request: Request[Any, Any, Any], session_write: InSession) -> Response[Reply[EndedSession]]:
    """Mark a session ended. The first end wins; later events are still kept and counted."""
    async with session_write.bodies.read(request) as body:
        sealed = seal_end(await body.decode(_decoder), session_write.session_id, session_write.asker)
        record, position = await append_record(session_write, sealed)
    return durable(end_as_accepted(record), position)
