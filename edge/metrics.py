"""What Prometheus reads at ``/metrics``: requests here, and whatever else is registered with the process's registry."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import HTTPScope
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from edge.authentication import PUBLIC
from edge.rate_limits import RateLimits
from edge.route_docs import responds_with
from edge.watched_file import WatchedFile

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_EXAMPLE = 'crewkit_http_requests_total{method="GET",route="/api/v1/{org_id}/sessions",status="200"} 12.0\n'

Observe = Callable[[HTTPScope, int, float], None]  # the status, and when it began as of `time.perf_counter`


class HttpMetrics:
    """Requests by route template, so that ids in paths make no new series; unknown routes and methods share one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "crewkit_http_requests_total", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "crewkit_http_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route", "method"),
            buckets=SECONDS,
            registry=registry,
        )

    def observe(self, scope: HTTPScope, status: int, began: float) -> None:
        """Note one answer; 499 stands for a client that went away before it."""
        route = scope.get("path_template", "unknown")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route, method).observe(time.perf_counter() - began)


def register_fault_gauges(registry: CollectorRegistry, limits: RateLimits, files: Sequence[WatchedFile[Any]]) -> None:
    """Gauges of what requests go on in spite of: 1 while it lasts."""
    away = Gauge("crewkit_rate_limit_store_away", "The shared counter of requests does not answer.", registry=registry)
    away.set_function(lambda: limits.store_is_away)
    broken = Gauge("crewkit_credentials_file_broken", "The last good one counts.", ("file",), registry=registry)
    for file in files:
        broken.labels(file.path.name).set_function(partial(getattr, file, "is_broken"))


def metrics_route(registry: CollectorRegistry) -> HTTPRouteHandler:
    """``/metrics``; to be scraped from inside: a proxy should not pass it on."""

    @get("/metrics", opt=PUBLIC | responds_with(_EXAMPLE), operation_id="Metrics", sync_to_thread=False)
    def metrics() -> Response[bytes]:
        """Counters and gauges of this process, in Prometheus' text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return metrics
