"""The routes of the write side and their readiness; `runtime.services.composition` makes a service of them."""

import time
from collections.abc import Mapping
from typing import Any

from litestar.handlers import HTTPRouteHandler
from msgspec import ValidationError

from edge.health import Readiness
from ingest.error_responses import reply_to_invalid, reply_to_wrong_body
from ingest.intake.context import Invalid
from ingest.intake.events.record import record_events
from ingest.intake.hooks.record import record_hooks
from ingest.intake.otlp.routes import export_logs, export_metrics, export_traces
from ingest.intake.redrive import redrive_dead_letter
from ingest.intake.sessions.change import change_session
from ingest.intake.sessions.compact import request_compaction
from ingest.intake.sessions.create import create_session
from ingest.intake.sessions.end import end_session
from ingest.log.port import EventLog

INGEST_ERRORS: Mapping[Any, Any] = {Invalid: reply_to_invalid, ValidationError: reply_to_wrong_body}


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
    ]


def log_readiness(log: EventLog) -> Readiness:
    """Return the part of ``/readyz`` that says whether an append would probably succeed."""

    async def ready() -> Mapping[str, bool]:
        return {"log": await log.ready()}

    return ready
