"""POST /:org_id/sessions/:session_id/compact"""

import msgspec
from litestar import Response, post
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import SessionWrite
from ingest.intake.context import SessionContext
from ingest.intake.steps import durable, write_record
from schemas.http.requests import RequestCompaction
from schemas.http.responses import QueuedCompaction, Reply
from schemas.ids import is_sensitive
from schemas.log.records import CompactionRequested

_decoder = msgspec.json.Decoder(RequestCompaction)


def decide(body: RequestCompaction, context: SessionContext) -> CompactionRequested:
    """Return the record of a requested digest. Instructions are content: those for a sensitive session are dropped."""
    return CompactionRequested(
        **context.head(),
        fact_id=context.fact_id("compact"),
        instructions=None if is_sensitive(context.session_id) else body.instructions,
        max_characters=body.max_characters,
    )


@post(
    "/api/v1/{org_id:str}/sessions/{session_id:str}/compact",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RequestCompaction",
    guards=[may("session.write")],
    opt=takes(RequestCompaction, optional=True, refused_with=(410,)),
)
async def request_compaction(session_write: SessionWrite) -> Response[Reply[QueuedCompaction]]:
    """Ask for a digest of the session as of now; it is made in the background, see `ListCompactions`."""
    _, record, position = await write_record(session_write, _decoder, decide, optional=True)
    # The digest has the fact's id, so every copy of a call gets the same one.
    return durable(QueuedCompaction(record.session_id, record.fact_id, "queued"), position)
