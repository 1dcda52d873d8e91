"""Prometheus metrics of the background audit."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge

from audit.coverage import Coverage
from audit.recount import Recounted


class AuditMetrics:
    """The metrics of one process that audits. Alert on any missing position and on any difference."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter("crewkit_audit_runs_total", "Audits that came to an end.", ("scope",), registry=registry)
        self._missing = Gauge(
            "crewkit_audit_missing_positions", "Positions of the log without a receipt.", registry=registry
        )
        self._differences = Gauge(
            "crewkit_audit_differences", "Numbers that are not what a recount gives.", ("scope",), registry=registry
        )
        self._at = Gauge(
            "crewkit_audit_last_run_timestamp_seconds", "When the last audit ended.", ("scope",), registry=registry
        )
        self._seconds = Gauge(
            "crewkit_audit_duration_seconds", "How long the last audit took.", ("scope",), registry=registry
        )

    def found(self, scope: str, coverage: Coverage, recounted: Recounted, seconds: float) -> None:
        """Record one audit; ``scope`` is ``hours`` or ``all``."""
        self._runs.labels(scope).inc()
        self._missing.set(coverage.missing)
        self._differences.labels(scope).set(len(recounted.differences))
        self._at.labels(scope).set(time.time())
        self._seconds.labels(scope).set(seconds)
