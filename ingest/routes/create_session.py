"""POST /:org_id/sessions"""

from typing import Any

import msgspec
from litestar import Request, Response, post

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import Write
from ingest.intake.sessions.create import seal_creation
from ingest.intake.steps import append_record, durable
from ingest.sealing.session_reply import session_as_created
from schemas.http.requests import CreateSession
from schemas.http.responses import Reply, Session

_decoder = msgspec.json.Decoder(CreateSession)


@post(
    "/api/v1/{org_id:str}/sessions",
    operation_id="CreateSession",
    guards=[may("session.write")],
    opt=takes(CreateSession),
)
async def create_session(request: Request[Any, Any, Any], write: Write) -> Response[Reply[Session]]:
    """A conversation begins. With an idempotency key, or an external id, a repeated call answers the same ids."""
    async with write.bodies.read(request) as body:
        asked = await body.decode(_decoder)
        record, position = await append_record(write, seal_creation(asked, write.asker))
    return durable(session_as_created(record, position), position)
