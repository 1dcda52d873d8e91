"""POST /:org_id/observability/sessions/:session_id/events"""

from typing import Any

from litestar import Request, Response, post
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.errors import ApiError
from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import InSession
from ingest.intake.events.batch import read_batch
from ingest.intake.events.identify import records_of, seal_events
from ingest.intake.steps import append_all, durable
from ingest.metrics import metrics_of
from schemas.http.requests import RecordEvents
from schemas.http.responses import RecordedEvents, RejectedEvent, Reply


@post(
    "/api/v1/{org_id:str}/observability/sessions/{session_id:str}/events",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RecordEvents",
    guards=[may("session.write")],
    opt=takes(RecordEvents),
)
async def record_events(request: Request[Any, Any, Any], session_write: InSession) -> Response[Reply[RecordedEvents]]:
    """Every accepted event is durable when this answers; an invalid one does not refuse its neighbours."""
    asker, log, privacy, bodies, session_id = session_write
    async with bodies.read(request) as body:
        batch = await body.place.run(read_batch, body.text)
        sealed = await body.place.run(seal_events, batch, session_id, asker)
        sealed = await privacy.of_events(sealed, body, session_id, asker, bodies.lane)
        metrics_of(request.app).events(sealed.accepted, sealed.rejected)
        if not sealed.accepted:
            raise _nothing_valid(sealed.rejected)
        records = await body.place.run(records_of, sealed.accepted, session_id, asker)
        position = await append_all(log, session_id, records)
    return durable(RecordedEvents(len(sealed.accepted), sealed.rejected), position)


def _nothing_valid(rejected: list[RejectedEvent]) -> ApiError:
    return ApiError(422, "invalid", "None of the events is valid.", {"events": rejected})
