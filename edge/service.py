"""One HTTP service out of routes: authentication, errors, health, OpenAPI and the common headers around them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from edge.allowed_methods import learn_methods
from edge.authentication import Authenticate, TokenVerifier
from edge.cors import cors_for
from edge.error_responses import EXCEPTION_HANDLERS
from edge.health import Readiness, health_routes
from edge.logging import AccessLog
from edge.metrics import HttpMetrics, metrics_route
from edge.openapi.page import PAGE_ROUTES, publish_document
from edge.outermost import Service
from edge.principal import principal_of
from edge.query_parameters import learn_parameters, refuse_unknown_parameters
from edge.rate_limits import LimitRate, RateLimits

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def build_service(
    route_handlers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
    verifier: TokenVerifier,
    readiness: Readiness,
    lifespan: Sequence[Lifespan] = (),
    *,
    title: str = "crewkit-sessions",
    version: str = "1",
    limits: RateLimits | None = None,
    registry: CollectorRegistry | None = None,
    allowed_origins: Sequence[str] = (),
    exception_handlers: Mapping[Any, Any] = MappingProxyType({}),
    inside_apart: bool = False,
    **options: Any,
) -> Service:
    """The ASGI app; ``options`` go to Litestar as they are.

    ``limits`` are those of each org (None: there are none), ``allowed_origins`` lets browsers in (off by default),
    ``registry`` is what ``/metrics`` shows besides the requests. With ``inside_apart`` health and metrics are an app to
    themselves, the ``inside`` of this one.

    Give routers before plain handlers: Litestar adds an OPTIONS handler to every path of a router, and refuses a
    second one where another router or an earlier handler has the same path.
    """
    registry = registry or CollectorRegistry()
    inside = [*health_routes(readiness), metrics_route(registry)]
    app = Service(
        [*route_handlers, *([] if inside_apart else inside), *PAGE_ROUTES],
        dependencies={**dependencies, "principal": Provide(principal_of, sync_to_thread=False)},
        middleware=[
            DefineMiddleware(Authenticate, verifier=verifier),
            *([DefineMiddleware(LimitRate, limits=limits)] if limits else []),
        ],
        exception_handlers={**EXCEPTION_HANDLERS, **exception_handlers},
        before_request=refuse_unknown_parameters,
        lifespan=list(lifespan),
        openapi_config=None,  # ours says more, see `edge.openapi`
        cors_config=cors_for(allowed_origins),
        logging_config=None,
        debug=False,
        **options,
    )
    app.observe = HttpMetrics(registry).observe
    publish_document(_completed(app), title, version)
    app.inside = _inside(inside) if inside_apart else None
    return app


def _inside(routes: Sequence[ControllerRouterHandler]) -> Service:
    """What is for who runs the service, without a credential; its own requests are not counted."""
    return _completed(
        Service(
            [*routes],
            exception_handlers=EXCEPTION_HANDLERS,
            before_request=refuse_unknown_parameters,
            openapi_config=None,
            logging_config=None,
            debug=False,
        )
    )


def _completed(app: Service) -> Service:
    app.access_log = AccessLog()
    learn_parameters(app)
    learn_methods(app)
    return app
