"""The write side as routes for a larger service, and as a service of its own."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from msgspec import ValidationError
from prometheus_client import CollectorRegistry

from edge.authentication import TokenVerifier
from edge.health import Readiness
from edge.service import Lifespan, build_service
from ingest.body import Bodies
from ingest.dependencies import Clock, ingest_dependencies
from ingest.errors import reply_to_invalid, reply_to_wrong_body
from ingest.intake.context import Invalid
from ingest.intake.events.record import record_events
from ingest.intake.redrive import redrive_dead_letter
from ingest.intake.sessions.change import change_session
from ingest.intake.sessions.compact import request_compaction
from ingest.intake.sessions.create import create_session
from ingest.intake.sessions.end import end_session
from ingest.log.port import BYTES_IN_FLIGHT_MAX, EventLog
from ingest.metrics import IngestMetrics, keep_metrics, metered
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from schemas.ids import IdSecrets

INGEST_ERRORS: Mapping[Any, Any] = {Invalid: reply_to_invalid, ValidationError: reply_to_wrong_body}

__all__ = ["INGEST_ERRORS", "build_ingest", "ingest_dependencies", "ingest_lifespan", "ingest_routes", "log_readiness"]


def clock_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def ingest_routes() -> list[HTTPRouteHandler]:
    """Return every route that writes; their service needs `INGEST_ERRORS` as well."""
    return [create_session, record_events, change_session, end_session, request_compaction, redrive_dead_letter]


def ingest_lifespan(log: EventLog) -> Lifespan:
    """Return the lifespan that opens the log at startup and closes it at shutdown."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        await log.start()
        try:
            yield
        finally:
            await log.stop()

    return lifespan


def log_readiness(log: EventLog) -> Readiness:
    """Return the part of ``/readyz`` that says whether an append would probably succeed."""

    async def ready() -> Mapping[str, bool]:
        return {"log": await log.ready()}

    return ready


def build_ingest(
    log: EventLog,
    secrets: IdSecrets,
    verifier: TokenVerifier,
    clock: Clock = clock_ms,
    privacy: Privacy = KEEP_ALL_BUT_SECRETS,
    bytes_max: int = BYTES_IN_FLIGHT_MAX,
    **options: Any,
) -> Litestar:
    """The ingest service alone; ``bytes_max`` of bodies may be under way."""
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry)
    dependencies = ingest_dependencies(
        metered(log, metrics), secrets, clock, privacy._replace(on_redacted=metrics.redacted), Bodies(bytes_max)
    )
    lifespan = [ingest_lifespan(log)]
    app = build_service(
        ingest_routes(),
        dependencies,
        verifier,
        log_readiness(log),
        lifespan,
        exception_handlers=INGEST_ERRORS,
        registry=registry,
        **options,
    )
    keep_metrics(app, metrics)
    return app
