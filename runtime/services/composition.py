"""The single place that composes an HTTP service: routes, their dependencies, readiness and metrics.

`runtime.services.http_services` serves it with the parts that the settings name; tests and benches choose their own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from time import time
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from audit.history import FoldedHistory
from audit.routes import operation_routes
from edge.authentication import TokenVerifier
from edge.beside import Lifespan, beside
from edge.health import Readiness, check_all
from edge.outermost import App
from edge.service import build_service
from edge.sign_in import sign_in_routes
from edge.sign_in_codes import SignInCodes
from generations.jobs.routes import HANDLERS as JOB_ROUTES
from ingest.app import INGEST_ERRORS, clock_ms, ingest_routes, log_readiness
from ingest.body import Bodies
from ingest.dependencies import Clock, ingest_dependencies
from ingest.erased import KnownErasures
from ingest.log.port import BYTES_IN_FLIGHT_MAX, EventLog
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from query_api.answers import BYTES_MAX, Answers
from query_api.app import query_dependencies, query_routes, store_readiness
from query_api.freshness import Freshness
from runtime.services.dashboard import dashboard_routes
from runtime.services.metrics import new_registry
from schemas.ids import IdSecrets
from store.reading.reader import Reader


class WriteSide(NamedTuple):
    """The parts of the write side. ``clock`` is in ms since 1970; ``bytes_max`` limits the bodies in memory."""

    log: EventLog
    secrets: IdSecrets
    clock: Clock = clock_ms
    privacy: Privacy = KEEP_ALL_BUT_SECRETS
    bytes_max: int = BYTES_IN_FLIGHT_MAX


class ReadSide(NamedTuple):
    """The parts of the read side. ``clock`` is in s since 1970.

    Readiness asks ``probe`` if there is one, so that it does not queue behind the questions of ``reader``.
    ``answer_bytes_max`` limits the answers in memory.
    """

    reader: Reader
    secrets: IdSecrets
    clock: Callable[[], float] = time
    freshness: Freshness | None = None
    probe: Reader | None = None
    answer_bytes_max: int = BYTES_MAX


def compose(
    verifier: TokenVerifier,
    write: WriteSide | None = None,
    read: ReadSide | None = None,
    registry: CollectorRegistry | None = None,
    lifespan: Sequence[Lifespan] = (),
    *,
    codes: SignInCodes | None = None,
    **options: Any,
) -> App:
    """Return the ASGI app for the given sides. ``/metrics`` shows ``registry``; `build_service` gets ``options``.

    With ``codes``, it has the routes of sign-in links.
    """
    registry = registry or new_registry()
    routes: list[Any] = []
    dependencies: dict[str, Any] = {}
    parts: list[Readiness] = []
    if read is not None:
        routes += [*query_routes(), *operation_routes(JOB_ROUTES), *dashboard_routes()]
        answers = Answers(read.answer_bytes_max)
        dependencies |= query_dependencies(
            read.reader, read.secrets, FoldedHistory(), read.clock, read.freshness, answers
        )
        parts.append(store_readiness(read.probe or read.reader))
    if write is not None:
        routes += ingest_routes()
        bodies, known = Bodies(write.bytes_max), KnownErasures(write.log)
        dependencies |= ingest_dependencies(
            write.log, write.secrets, write.clock, write.privacy, bodies, registry, known
        )
        lifespan = [*lifespan, beside(known.follow)]
        parts.append(log_readiness(write.log))
    if codes is not None:
        routes += sign_in_routes(codes, verifier)
    return build_service(
        routes,
        dependencies,
        verifier,
        partial(check_all, *parts),
        lifespan,
        exception_handlers=INGEST_ERRORS,
        registry=registry,
        **options,
    )
