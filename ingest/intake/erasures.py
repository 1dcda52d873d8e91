"""POST /:org_id/erasures"""

import msgspec
from litestar import Response, post
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.errors import not_found
from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import NewWrite
from ingest.intake.context import CommandContext, Invalid
from ingest.intake.steps import append, durable
from ingest.privacy.redaction import Effort, redact_text_or_all
from ingest.privacy.redaction.effort import A_MOMENT_S
from schemas.http.requests import RequestErasure
from schemas.http.responses import Reply, RequestedErasure
from schemas.ids import UnknownId, derived_uuid, verify
from schemas.log.codec import encode
from schemas.log.records import VERSION, RecordsErased
from schemas.log.topics import erasures_id, partition_of, record_key

_decoder = msgspec.json.Decoder(RequestErasure)


def decide(body: RequestErasure, context: CommandContext, partitions: int) -> RecordsErased:
    """Return the record that erases a session, for the partition of the session. Raises `UnknownId`."""
    session_id, key, erasure = body.subject.session_id, context.idempotency_key, context.new_id()
    verify(context.secrets, "session", context.org_id, session_id)
    if key is not None:
        erasure = derived_uuid(context.secrets.seed_key, "erasure", [context.org_id, session_id.bytes, key])
    return RecordsErased(
        v=VERSION,
        record_id=context.new_id(),
        erasure=erasure,
        org_id=context.org_id,
        session_id=erasures_id(partition_of(record_key(session_id), partitions), partitions),
        received_at=context.received_at,
        sessions=(session_id,),
        reason=body.reason,
    )


@post(
    "/api/v1/{org_id:str}/erasures",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RequestErasure",
    guards=[may("erase")],
    opt=takes(RequestErasure),
)
async def request_erasure(write: NewWrite) -> Response[Reply[RequestedErasure]]:
    """Erase a session for good: nothing shows it once the returned position is projected, within a second or two.

    What is sent for it later is erased, too. A sweep, a day later or on request, removes the texts from the disk.
    """
    async with write.read() as body:
        command = await body.decode(_decoder)
    if redact_text_or_all(command.reason, Effort(A_MOMENT_S))[0] != command.reason:
        raise Invalid("reason", "looks like a secret: give the number of a ticket, since it can't be erased")
    try:
        record = decide(command, write.context, write.log.partitions)
    except UnknownId as unknown:
        raise not_found() from unknown
    position = await append(write.log, record.session_id, [encode(record)])
    return durable(RequestedErasure(record.erasure, command.subject.session_id, "recorded"), position)
