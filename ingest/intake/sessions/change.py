"""PATCH /:org_id/sessions/:session_id"""

from typing import Any

import msgspec
from litestar import Response, patch
from msgspec import UNSET

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import SessionWrite
from ingest.intake.context import SessionContext
from ingest.intake.sessions.metrics_report import FIELD, to_report
from ingest.intake.steps import durable, write_record
from ingest.intake.times import ms_of
from schemas.http.requests import ChangeSession, ReportMetrics, ReportModel
from schemas.http.responses import ChangedSession, Reply
from schemas.log.records import MetricsReport, MetricsReported, SessionChanged
from schemas.times import instant

_decoder = msgspec.json.Decoder(ChangeSession)
_FIELDS = tuple(name for name in ChangeSession.__struct_fields__ if name != FIELD)


def decide(body: ChangeSession, context: SessionContext) -> MetricsReported | SessionChanged:
    """Return the record of a PATCH: a `MetricsReported` if it only has totals. Raises the same as `to_report`."""
    head, fact_id = context.head(), context.fact_id("change")
    fields = {name: value for name in _FIELDS if (value := getattr(body, name)) is not UNSET}
    report = None
    if body.model_metrics is None:
        report = MetricsReport()  # null clears the report: no model has totals
    elif body.model_metrics is not UNSET:
        report = to_report(body.model_metrics, context.received_at)
    if report is not None and not fields:
        return MetricsReported(**head, fact_id=fact_id, report=report)
    return SessionChanged(**head, fact_id=fact_id, report=report, **fields)


@patch(
    "/api/v1/{org_id:str}/sessions/{session_id:str}",
    operation_id="ChangeSession",
    guards=[may("session.write")],
    opt=takes(ChangeSession, refused_with=(410,)),
)
async def change_session(session_write: SessionWrite) -> Response[Reply[ChangedSession]]:
    """Set or clear fields, report running totals; a later report replaces an earlier one entirely."""
    command, record, position = await write_record(session_write, _decoder, decide)
    return durable(respond(command, record), position)


def respond(body: ChangeSession, record: MetricsReported | SessionChanged) -> ChangedSession:
    """Return the response's data: the id, and the fields of the body as the record stores them."""
    fields = {name: value for name in _FIELDS if (value := getattr(record, name, UNSET)) is not UNSET}
    if body.model_metrics is not UNSET:
        metrics = body.model_metrics
        fields[FIELD] = None if metrics is None or record.report is None else _as_sent(metrics, record.report)
    return ChangedSession(record.session_id, **fields)


def _as_sent(metrics: ReportMetrics, stored: MetricsReport) -> dict[str, Any]:
    """Return the numbers of the body, with the models' names as the record stores them."""
    sent = _set_fields(metrics)
    names = [usage.model for usage in stored.models]
    if metrics.models is not None:
        sent["models"] = [
            {**_set_fields(model), "model": name} for model, name in zip(metrics.models, names, strict=True)
        ]
    elif metrics.model is not None:
        sent["model"] = names[0]
    if metrics.reported_at is not None:
        sent["reported_at"] = instant(ms_of(metrics.reported_at))
    return sent


def _set_fields(body: ReportMetrics | ReportModel) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not None}
