"""What a projector tells Prometheus: batches, steps, dead letters, and how far it is behind."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from processors.pipeline import Pipeline
from processors.plan import Plan
from processors.progress import Progress

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS = (1, 5, 10, 25, 50, 100, 250, 500, 800, 1_000, 2_500)


class ProjectorMetrics:
    """One for each projector; ``pipeline`` and ``progress`` are asked and heard from now on."""

    def __init__(self, registry: CollectorRegistry, pipeline: Pipeline, progress: Progress) -> None:
        self._batch = Histogram(
            "crewkit_projector_batch_records", "Records of one batch.", buckets=_RECORDS, registry=registry
        )
        self._facts = Counter("crewkit_projector_facts_total", "Facts that were projected.", registry=registry)
        self._dead = Counter(
            "crewkit_projector_dead_letters_total", "Records that could not be projected.", registry=registry
        )
        self._steps = Histogram(
            "crewkit_projector_step_duration_seconds",
            "Each step of a batch: fold, and the writes in their order; waiting for the store included.",
            ("step",),
            buckets=_SECONDS,
            registry=registry,
        )
        registry.register(_Lag(progress))
        assigned = Gauge("crewkit_projector_assigned_partitions", "Partitions that it follows.", registry=registry)
        assigned.set_function(lambda: len(pipeline.assigned))
        pipeline.on_batch, pipeline.on_step = self._written, self._done

    def _written(self, plan: Plan, records: int) -> None:
        self._batch.observe(records)
        self._facts.inc(plan.facts)
        self._dead.inc(plan.dead)

    def _done(self, step: str, seconds: float) -> None:
        self._steps.labels(step).observe(seconds)


class _Lag(Collector):
    """Asked when somebody looks, so that a projector which stands still shows it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def collect(self) -> Iterator[Metric]:
        records = GaugeMetricFamily(
            "crewkit_projector_lag_records", "Records that wait to be projected.", labels=("partition",)
        )
        seconds = GaugeMetricFamily(
            "crewkit_projector_lag_seconds", "How long ago everything was projected.", labels=("partition",)
        )
        for lag in self._progress.lags():
            records.add_metric((str(lag.partition),), lag.records)
            if lag.seconds is not None:
                seconds.add_metric((str(lag.partition),), lag.seconds)
        yield records
        yield seconds
