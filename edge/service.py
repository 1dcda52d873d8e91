"""Build an HTTP service from routes: adds authentication, errors, health, OpenAPI and common headers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from edge.authentication import Authenticate, TokenVerifier
from edge.beside import Lifespan
from edge.cors import collect_methods, cors_config
from edge.door import Door
from edge.error_responses import COMMON_EXCEPTION_HANDLERS
from edge.health import Readiness, health_routes
from edge.logging import AccessLog
from edge.metrics import HttpMetrics, metrics_route
from edge.openapi.page import PAGE_ROUTES
from edge.outermost import App
from edge.principal import principal_of
from edge.query_parameters import collect_parameters, refuse_unknown_parameters
from edge.rate_limits import LimitRate, RateLimits

_COMMON: Mapping[str, Any] = {
    "before_request": refuse_unknown_parameters,
    "openapi_config": None,  # `edge.openapi` builds the document, and says why
    "logging_config": None,
    "debug": False,
}


def build_service(
    route_handlers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
    verifier: TokenVerifier,
    readiness: Readiness,
    lifespan: Sequence[Lifespan] = (),
    *,
    limits: RateLimits | None = None,
    registry: CollectorRegistry | None = None,
    allowed_origins: Sequence[str] = (),
    exception_handlers: Mapping[Any, Any] = MappingProxyType({}),
    separate_internal: bool = False,
    with_door: bool = True,
    **options: Any,
) -> App:
    """Return the ASGI app; ``options`` go to Litestar unchanged.

    ``limits`` apply to each org (None: no limits). ``allowed_origins`` are the origins of browser pages that may call
    (default: none). ``registry`` has further metrics for ``/metrics``. With ``separate_internal``, health and metrics
    form a second app, ``internal``. With ``with_door``, a `Door` answers most requests to `DIRECT` routes.

    Pass routers before plain handlers: Litestar adds an OPTIONS handler to every path of a router, and refuses a
    second one if another router or an earlier handler has the same path.
    """
    registry = registry or CollectorRegistry()
    internal = [] if separate_internal else _internal_routes(readiness, registry)
    app = App(
        [*route_handlers, *internal, *PAGE_ROUTES],
        dependencies={**dependencies, "principal": Provide(principal_of, sync_to_thread=False)},
        middleware=[
            DefineMiddleware(Authenticate, verifier=verifier),
            *([DefineMiddleware(LimitRate, limits=limits)] if limits else []),
        ],
        exception_handlers={**COMMON_EXCEPTION_HANDLERS, **exception_handlers},
        lifespan=list(lifespan),
        cors_config=cors_config(allowed_origins),
        **_COMMON,
        **options,
    )
    app.door = Door(app, dependencies, verifier, limits) if with_door else None
    app.observe = HttpMetrics(registry).observe
    app.internal = health_app(readiness, registry) if separate_internal else None
    return _complete(app)


def _internal_routes(readiness: Readiness, registry: CollectorRegistry) -> list[ControllerRouterHandler]:
    return [*health_routes(readiness), metrics_route(registry)]


def health_app(readiness: Readiness, registry: CollectorRegistry) -> App:
    """Return the app of health and metrics, without authentication. Its requests are not counted."""
    routes = _internal_routes(readiness, registry)
    return _complete(App(routes, exception_handlers=COMMON_EXCEPTION_HANDLERS, **_COMMON))


def _complete(app: App) -> App:
    app.access_log = AccessLog()
    collect_parameters(app)
    collect_methods(app)
    return app
