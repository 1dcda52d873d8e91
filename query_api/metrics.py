"""Metrics of the read side: how long questions take, which ones fail, and how many wait for their turn."""

from collections.abc import Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from store.errors import StoreUnavailable
from store.reading.errors import AnswerTooLarge, ReadRefused
from store.reading.reader import ClickHouseReader

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_KINDS = ((ReadRefused, "refused"), (StoreUnavailable, "away"), (AnswerTooLarge, "too_large"))


class QueryMetrics:
    """The metrics of one reader. The label ``question`` is the name of an SQL file."""

    def __init__(self, registry: CollectorRegistry, reader: ClickHouseReader) -> None:
        self._reader = reader
        self._seconds = Histogram(
            "crewkit_query_duration_seconds",
            "Duration of an answered question, including the wait for its turn.",
            ("question",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._errors = Counter(
            "crewkit_query_errors_total",
            "Questions without an answer: the store was unreachable, refused, or found too many rows.",
            ("question", "error"),
            registry=registry,
        )
        self._series = cache(self._seconds.labels)  # looking up a series takes as long as counting
        registry.register(self)

    def asked(self, question: str, seconds: float, error: Exception | None) -> None:
        if error is None:
            self._series(question).observe(seconds)
        else:
            kind = next((name for known, name in _KINDS if isinstance(error, known)), "broken")
            self._errors.labels(question, kind).inc()

    def collect(self) -> Iterator[Metric]:
        """Return how many questions are running and waiting now, for a registry."""
        turns = self._reader.turns
        yield GaugeMetricFamily("crewkit_query_slots", "Questions that may run at once.", turns.at_once)
        yield GaugeMetricFamily("crewkit_query_slots_in_use", "Questions running now.", turns.in_use)
        yield GaugeMetricFamily("crewkit_query_waiting", "Questions waiting for their turn.", turns.waiting)


def metered(reader: ClickHouseReader, registry: CollectorRegistry) -> ClickHouseReader:
    """Return the reader, set up to count its questions from now on."""
    reader.on_asked = QueryMetrics(registry, reader).asked
    return reader
