"""POST /:org_id/sessions/:session_id/compact"""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import InSession
from ingest.intake.steps import append_record, durable
from ingest.sealing.compaction import compaction_as_accepted, seal_compaction
from schemas.http.requests import RequestCompaction
from schemas.http.responses import QueuedCompaction, Reply

_decoder = msgspec.json.Decoder(RequestCompaction)


@post(
    "/api/v1/{org_id:str}/sessions/{session_id:str}/compact",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RequestCompaction",
    guards=[may("session.write")],
    opt=takes(RequestCompaction, optional=True),
)
async def request_compaction(
    request: Request[Any, Any, Any], session_write: InSession
) -> Response[Reply[QueuedCompaction]]:
    """Ask for a digest of the session as of now; it is made in the background, see `ListCompactions`."""
    async with session_write.bodies.read(request, optional=True) as body:
        asked = await body.decode(_decoder)
        sealed = seal_compaction(asked, session_write.session_id, session_write.asker)
        record, position = await append_record(session_write, sealed)
    return durable(compaction_as_accepted(record), position)
