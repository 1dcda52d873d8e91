"""Changes of a session after it began: fields, running totals, its end."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from ingest.intake.context import Asker
from ingest.intake.sessions.metrics_report import FIELD, seal_metrics
from ingest.intake.times import checked, ms_of
from schemas.http.requests import ChangeSession, EndSession, ReportMetrics, ReportModel
from schemas.http.responses import ChangedSession, EndedSession, instant
from schemas.log.records import MetricsReport, MetricsReported, SessionChanged, SessionEnded


def seal_change(body: ChangeSession, session_id: UUID, asker: Asker) -> MetricsReported | SessionChanged:
    """The fact of a PATCH; one that only reports totals is a fact of its own kind."""
    head, fact_id = asker.head(session_id), asker.fact_id("change", session_id)
    fields = {name: value for name in _FIELDS if (value := getattr(body, name)) is not UNSET}
    report = _report(body, asker.received_at)
    if report is not None and not fields:
        return MetricsReported(**head, fact_id=fact_id, report=report)
    return SessionChanged(**head, fact_id=fact_id, report=report, **fields)


def changes_as_accepted(body: ChangeSession, record: MetricsReported | SessionChanged) -> ChangedSession:
    """The reply to a PATCH: the id, and what was asked for, as the fact keeps it."""
    kept = {name: value for name in _FIELDS if (value := getattr(record, name, UNSET)) is not UNSET}
    if body.model_metrics is not UNSET:
        metrics = body.model_metrics
        kept[FIELD] = None if metrics is None or record.report is None else _given(metrics, record.report)
    return ChangedSession(record.session_id, **kept)


def seal_end(body: EndSession, session_id: UUID, asker: Asker) -> SessionEnded:
    """The fact that a session is over."""
    metrics = body.model_metrics
    return SessionEnded(
        **asker.head(session_id),
        fact_id=asker.fact_id("end", session_id),
        outcome=body.outcome,
        summary=body.summary,
        ended_at=checked(body.ended_at, "ended_at", asker.received_at),
        report=None if metrics is None else seal_metrics(metrics, asker.received_at),
    )


def end_as_accepted(record: SessionEnded) -> EndedSession:
    """The reply to an end."""
    ended_at = record.received_at if record.ended_at is None else record.ended_at
    return EndedSession(record.session_id, "ended", instant(ended_at), record.outcome)


_FIELDS = tuple(name for name in ChangeSession.__struct_fields__ if name != FIELD)


def _report(body: ChangeSession, now: int) -> MetricsReport | None:
    if body.model_metrics is UNSET:
        return None
    if body.model_metrics is None:
        return MetricsReport()  # null clears: totals of no model at all
    return seal_metrics(body.model_metrics, now)


def _given(metrics: ReportMetrics, kept: MetricsReport) -> dict[str, Any]:
    given = _set_fields(metrics)
    names = [usage.model for usage in kept.models]
    if metrics.models is not None:
        given["models"] = [
            {**_set_fields(model), "model": name} for model, name in zip(metrics.models, names, strict=True)
        ]
    elif metrics.model is not None:
        given["model"] = names[0]
    if metrics.reported_at is not None:
        given["reported_at"] = instant(ms_of(metrics.reported_at))
    return given


def _set_fields(body: ReportMetrics | ReportModel) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not None}
