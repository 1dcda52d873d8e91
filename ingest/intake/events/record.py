"""POST /:org_id/observability/sessions/:session_id/events"""

from litestar import Response, post
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.door import DIRECT
from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import SessionWrite
from ingest.intake.events.batch import read_batch
from ingest.intake.events.identify import identify_events
from ingest.intake.steps import durable, store_events
from schemas.http.requests import RecordEvents
from schemas.http.responses import RecordedEvents, Reply


@post(
    "/api/v1/{org_id:str}/observability/sessions/{session_id:str}/events",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RecordEvents",
    guards=[may("session.write")],
    opt={**takes(RecordEvents, refused_with=(410,)), **DIRECT},
)
async def record_events(session_write: SessionWrite) -> Response[Reply[RecordedEvents]]:
    """Record a batch of events. When the response arrives, every accepted event is durable; invalid ones are listed."""
    async with session_write.read() as body:
        batch = await body.place.run(read_batch, body.text)
        events = await body.place.run(identify_events, batch, session_write.context)
        events, position = await store_events(session_write, events, body)
    return durable(RecordedEvents(len(events.accepted), events.rejected), position)
