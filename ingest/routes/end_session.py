"""POST /:org_id/sessions/:session_id/end"""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.status_codes import HTTP_200_OK

from edge.described import takes
from edge.guards import may
from ingest.appending import append_fact, durable
from ingest.body import decode_body, read_body
from ingest.dependencies import InSession
from ingest.sealing.change import end_as_accepted, seal_end
from schemas.requests import EndSession
from schemas.responses import EndedSession, Reply

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
    body = decode_body(await read_body(request), _decoder)
    fact, position = await append_fact(session_write, seal_end(body, session_write.session_id, session_write.asker))
    return durable(end_as_accepted(fact), position)
