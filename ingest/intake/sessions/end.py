"""POST /:org_id/sessions/:session_id/end"""

import msgspec
from litestar import Response, post
from litestar.status_codes import HTTP_200_OK

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import SessionWrite
from ingest.intake.context import SessionContext
from ingest.intake.sessions.metrics_report import to_report
from ingest.intake.steps import durable, write_record
from ingest.intake.times import checked_ms
from schemas.http.requests import EndSession
from schemas.http.responses import EndedSession, Reply
from schemas.log.records import SessionEnded
from schemas.times import instant

_decoder = msgspec.json.Decoder(EndSession)


def decide(body: EndSession, context: SessionContext) -> SessionEnded:
    """Return the record of a session's end. Raises `Invalid` for a time out of range, and as `to_report`."""
    metrics = body.model_metrics
    return SessionEnded(
        **context.head(),
        fact_id=context.fact_id("end"),
        outcome=body.outcome,
        summary=body.summary,
        ended_at=checked_ms(body.ended_at, "ended_at", context.received_at),
        report=None if metrics is None else to_report(metrics, context.received_at),
    )


@post(
    "/api/v1/{org_id:str}/sessions/{session_id:str}/end",
    status_code=HTTP_200_OK,
    operation_id="EndSession",
    guards=[may("session.write")],
    opt=takes(EndSession, refused_with=(410,)),
)
async def end_session(session_write: SessionWrite) -> Response[Reply[EndedSession]]:
    """Mark a session ended. The first end wins; later events are still stored and counted."""
    _, record, position = await write_record(session_write, _decoder, decide)
    ended_at = record.received_at if record.ended_at is None else record.ended_at
    return durable(EndedSession(record.session_id, "ended", instant(ended_at), record.outcome), position)
