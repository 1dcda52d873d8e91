"""HTTP metrics count each request in its own series."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from edge.metrics import HttpMetrics

ROUTES, METHODS, STATUSES = ("/a", "/b", None), ("GET", "POST", "BREW"), (200, 404)
requests = st.tuples(st.sampled_from(ROUTES), st.sampled_from(METHODS), st.sampled_from(STATUSES))


@given(st.lists(requests, max_size=12))
def test_each_request_counts_once_in_the_series_of_its_labels(seen: list[tuple[str | None, str, int]]) -> None:
    """Unknown routes share a series, and so do unknown methods."""
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    for route, method, status in seen:
        scope: Any = {"method": method} | ({"path_template": route} if route else {})
        metrics.observe(scope, status, 0.0)

    named = [
        (route or "unknown", "other" if method == "BREW" else method, str(status)) for route, method, status in seen
    ]
    for (route, method, status), count in Counter(named).items():
        labels = {"route": route, "method": method, "status": status}
        assert registry.get_sample_value("crewkit_http_requests_total", labels) == count
    for (route, method), count in Counter(labels[:2] for labels in named).items():
        labels = {"route": route, "method": method}
        assert registry.get_sample_value("crewkit_http_request_duration_seconds_count", labels) == count
