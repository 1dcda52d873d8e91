"""Metrics of the write side: events, appends, redactions."""

import time
from asyncio import CancelledError
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from edge.metrics import SECONDS
from edge.tally import Tally
from ingest.body import Bodies
from ingest.log.port import EventLog
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.responses import RejectedEvent
from schemas.log.position import LogUnavailable, Position
from schemas.log.records import Event

_EVENTS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000)
_BYTES = tuple(1 << power for power in range(8, 24, 2))


class IngestMetrics:
    """One for each process that writes. Labels are fixed names, never values from a client."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        self._accepted = counter("crewkit_ingest_events_accepted_total", "Hook events that were valid.")
        self._unknown = counter("crewkit_ingest_events_unknown_total", "Accepted events whose type is not known here.")
        self._rejected = counter("crewkit_ingest_events_rejected_total", "Hook events that were refused.", ("reason",))
        self._batch, self._seconds, self._bytes = Tally(_EVENTS), Tally(SECONDS), Tally(_BYTES)
        self._redactions = counter("crewkit_ingest_redactions_total", "Secrets cut out before the log.", ("rule",))
        self._failures = counter("crewkit_ingest_append_failures_total", "Appends whose outcome is unknown.")
        self._otlp = counter(
            "crewkit_ingest_otlp_items_total",
            "Log records, data points and spans that exporters sent, by what became of them.",
            ("signal", "outcome"),
        )
        self._registry = registry
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield what was tallied, at each scrape."""
        for tally, name, about in (
            (self._batch, "crewkit_ingest_request_events", "Hook events of one request."),
            (self._seconds, "crewkit_ingest_append_duration_seconds", "From an append until it is durable."),
            (self._bytes, "crewkit_ingest_record_bytes", "Size of a record of the log."),
        ):
            yield tally.shown_in(HistogramMetricFamily(name, about))

    def follow(self, log: EventLog, bodies: Bodies) -> None:
        """Show what the process holds, and how often its connection to the log was replaced, at each scrape."""
        self._registry.register(_InFlight(log, bodies))

    def events(self, accepted: Sequence[Event], rejected: Sequence[RejectedEvent]) -> None:
        self._batch.add(len(accepted) + len(rejected))
        self._accepted.inc(len(accepted))
        self._unknown.inc(sum(event.event_type not in KNOWN_EVENT_TYPES for event in accepted))
        for refused in rejected:
            self._rejected.labels(refused.code).inc()
        for event in accepted:
            if event.redactions:
                self.redacted(event.redactions)

    def redacted(self, counts: Mapping[str, int]) -> None:
        """Count the secrets that were cut out of an event or a request, by rule."""
        for rule, count in counts.items():
            self._redactions.labels(rule).inc(count)

    def exported(self, signal: str, outcomes: Mapping[str, int]) -> None:
        for outcome, count in outcomes.items():
            self._otlp.labels(signal, outcome).inc(count)

    def metered(self, log: EventLog) -> EventLog:
        """Return the log with its appends timed and counted."""
        return cast(EventLog, _MeteredLog(log, self._bytes, self._seconds, self._failures))


class _InFlight(NamedTuple):
    """A collector, which costs requests nothing."""

    log: EventLog
    bodies: Bodies

    def collect(self) -> Iterator[Metric]:
        held = GaugeMetricFamily(
            "crewkit_ingest_in_flight_bytes", "Bytes of bodies, and of records on their way to the log.", labels=("of",)
        )
        held.add_metric(("bodies",), self.bodies.bytes_held)
        held.add_metric(("log",), self.log.bytes_in_flight)
        yield held
        most = "The maximum bytes of either; beyond it clients get 503."
        yield GaugeMetricFamily("crewkit_ingest_in_flight_bytes_max", most, self.bodies.bytes_max)
        replaced = "Connections to the log that failed and were replaced."
        yield CounterMetricFamily("crewkit_ingest_producer_replacements_total", replaced, self.log.replacements)


@dataclass(eq=False)
class _MeteredLog:
    """A log whose appends are timed; everything else is delegated."""

    _log: EventLog
    _bytes: Tally
    _seconds: Tally
    _failures: Counter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, key: bytes, value: bytes) -> Position:
        began = time.perf_counter()
        try:
            position = await self._log.append(key, value)
        except (LogUnavailable, CancelledError):  # cancelled at the request's deadline
            self._failures.inc()
            raise
        self._seconds.add(time.perf_counter() - began)
        self._bytes.add(len(value))
        return position
