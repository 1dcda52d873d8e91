"""HTTP metrics, and ``/metrics``, which returns all metrics of the process's registry to Prometheus."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import HTTPScope
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from edge.authentication import PUBLIC
from edge.rate_limits import RateLimits
from edge.tally import Tally
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
        self._responses: Counter[tuple[str, str, int]] = Counter()  # by route, method and status
        self._seconds: dict[tuple[str, str], Tally] = defaultdict(partial(Tally, SECONDS))  # by route and method
        registry.register(self)

    def observe(self, scope: HTTPScope, status: int, began: float) -> None:
        """Count a response; status 499 means that the client disconnected before it."""
        route = scope.get("path_template", "unknown")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._responses[route, method, status] += 1
        self._seconds[route, method].add(time.perf_counter() - began)

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted, at each scrape."""
        responses = CounterMetricFamily(
            "crewkit_http_requests_total", "Number of responses.", labels=("route", "method", "status")
        )
        for (route, method, status), count in self._responses.items():
            responses.add_metric((route, method, str(status)), count)
        yield responses
        about = "Time from the first byte of a request to the last byte of its response."
        seconds = HistogramMetricFamily("crewkit_http_request_duration_seconds", about, labels=("route", "method"))
        for labels, tally in self._seconds.items():
            tally.shown_in(seconds, labels)
        yield seconds


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
