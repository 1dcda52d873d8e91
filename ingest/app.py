"""The routes, readiness and errors of the write side; `runtime.services.composition` makes a service of them.

Its errors, besides those of `edge.errors`, are two kinds of 422, and `BrokenLog`: the process then ends, since to
continue could break a promise; a restart is safe.
"""

import time
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import ValidationError

from edge.error_responses import respond_to_error
from edge.errors import invalid
from edge.health import Readiness
from edge.validation_messages import explain
from ingest.intake.context import Invalid
from ingest.intake.erasures import request_erasure
from ingest.intake.events.record import record_events
from ingest.intake.hooks.record import record_hooks
from ingest.intake.otlp.routes import export_logs, export_metrics, export_traces
from ingest.intake.redrive import redrive_dead_letter
from ingest.intake.sessions.change import change_session
from ingest.intake.sessions.compact import request_compaction
from ingest.intake.sessions.create import create_session
from ingest.intake.sessions.end import end_session
from ingest.log.port import EventLog
from ingest.privacy.redaction import Effort, redact_text_or_all
from ingest.privacy.redaction.effort import A_MOMENT_S
from schemas.http.responses import ErrorBody


def clock_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def ingest_routes() -> list[HTTPRouteHandler]:
    """Return every route that writes; their service needs `INGEST_ERRORS` as well."""
    return [
        create_session,
        record_events,
        change_session,
        end_session,
        request_compaction,
        record_hooks,
        export_logs,
        export_metrics,
        export_traces,
        redrive_dead_letter,
        request_erasure,
    ]


def log_readiness(log: EventLog) -> Readiness:
    """Return the part of ``/readyz`` that says whether an append would probably succeed."""

    async def ready() -> Mapping[str, bool]:
        return {"log": await log.ready()}

    return ready


def reply_to_invalid(request: Request[Any, Any, Any], error: Invalid) -> Response[ErrorBody]:
    """Return the 422 for a broken rule, redacted: the sentence may quote the record."""
    return respond_to_error(request, invalid({error.field: [_shown(error.sentence)]}))


def reply_to_wrong_body(request: Request[Any, Any, Any], error: ValidationError) -> Response[ErrorBody]:
    """Return the 422 that names the field, redacted: the name of an unknown field may be a secret."""
    path, sentence = explain(str(error))
    return respond_to_error(request, invalid({_shown(path): [sentence]}))


def _shown(text: str) -> str:
    """Redact an error's text on the event loop; a text that takes too long is replaced as a whole."""
    return redact_text_or_all(text, Effort(A_MOMENT_S))[0]


INGEST_ERRORS: Mapping[Any, Any] = {Invalid: reply_to_invalid, ValidationError: reply_to_wrong_body}
