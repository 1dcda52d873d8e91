"""HTTP metrics, and ``/metrics``, which returns all metrics of the process's registry to Prometheus."""

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import HTTPScope
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from edge.authentication import PUBLIC
from edge.rate_limits import RateLimits
from edge.watched_file import WatchedFile
from schemas.http.fields import doc

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_EXAMPLE = 'crewkit_http_requests_total{method="GET",route="/api/v1/{org_id}/sessions",status="200"} 12.0\n'
Text = Annotated[str, doc("Metrics in Prometheus' text format.", _EXAMPLE)]

Observe = Callable[[HTTPScope, int, float], None]  # scope, status, start time of `time.perf_counter`


class HttpMetrics:
    """Count requests by route template, so that ids in paths create no series. Unknown routes share one series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "crewkit_http_requests_total", "Number of responses.", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "crewkit_http_request_duration_seconds",
            "Time from the first byte of a request to the last byte of its response.",
            ("route", "method"),
            buckets=SECONDS,
            registry=registry,
        )
        self._series = cache(self._find_series)  # finding a series takes as long as counting

    def observe(self, scope: HTTPScope, status: int, began: float) -> None:
        """Count a response; status 499 means that the client disconnected before it."""
        route = scope.get("path_template", "unknown")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        requests, seconds = self._series(route, method, status)
        requests.inc()
        seconds.observe(time.perf_counter() - began)

    def _find_series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(route, method, status), self._seconds.labels(route, method)


def register_fault_gauges(registry: CollectorRegistry, limits: RateLimits, files: Sequence[WatchedFile[Any]]) -> None:
    """Register gauges of faults that do not stop requests: 1 while a fault lasts."""
    away = Gauge("crewkit_rate_limit_store_away", "The shared request counter is unreachable.", registry=registry)
    away.set_function(lambda: limits.counter.is_away)
    broken = Gauge("crewkit_credentials_file_broken", "The last valid version is in use.", ("file",), registry=registry)
    for file in files:
        broken.labels(file.path.name).set_function(partial(getattr, file, "is_broken"))


def metrics_route(registry: CollectorRegistry) -> HTTPRouteHandler:
    """Return ``/metrics``, for scraping inside the network: a proxy should not expose it."""

    @get("/metrics", opt=PUBLIC, operation_id="Metrics", sync_to_thread=False)
    def metrics() -> Response[Text]:
        """Return the metrics of this process in Prometheus text format."""
        return Response(generate_latest(registry).decode(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return metrics
