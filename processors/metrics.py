"""The metrics of a projector: batches, steps, dead letters, how far it is behind, and what it waits for."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from processors.observer import Observer
from processors.parts import Parts
from processors.pipeline import Pipeline
from processors.plan import Plan
from processors.progress import Progress
from processors.rollups import Rollups
from processors.runners.watchdog import Watchdog

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS = (1, 5, 10, 25, 50, 100, 250, 500, 800, 1_000, 2_500)


class GroupState(NamedTuple):
    """Rebalances of the consumer group since this worker started, and the group's generation."""

    rebalances: int
    generation: int


class ProjectorMetrics(Observer):
    """Counts what the pipeline reports, and reads the rest from all three when Prometheus scrapes."""

    def __init__(
        self, registry: CollectorRegistry, pipeline: Pipeline, progress: Progress, watchdog: Watchdog, parts: Parts
    ) -> None:
        self._batch = Histogram(
            "crewkit_projector_batch_records", "Records of one batch.", buckets=_RECORDS, registry=registry
        )
        self._facts = Counter("crewkit_projector_facts_total", "Facts that were projected.", registry=registry)
        self._dead = Counter(
            "crewkit_projector_dead_letters_total", "Records that could not be projected.", registry=registry
        )
        self._steps = Histogram(
            "crewkit_projector_step_duration_seconds",
            "Each step: fold, the writes of a batch, those of the rollups; waiting for the store included.",
            ("step",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._registry = registry
        registry.register(_OnScrape(partial(_lag, progress, watchdog)))
        registry.register(_OnScrape(partial(_rollup_lag, progress, pipeline.rollups)))
        registry.register(_OnScrape(partial(_targets, pipeline)))
        registry.register(_OnScrape(partial(_parts, parts)))
        partitions = Gauge("crewkit_projector_log_partitions", "Partitions of the log.", registry=registry)
        partitions.set_function(lambda: len(progress.ends))
        assigned = Gauge("crewkit_projector_assigned_partitions", "Partitions that it follows.", registry=registry)
        assigned.set_function(lambda: len(pipeline.assigned))

    def follow_group(self, group: Callable[[], GroupState]) -> None:
        """Show the consumer group as well."""
        self._registry.register(_OnScrape(partial(_group, group)))

    def batch_written(self, plan: Plan, records: int) -> None:
        """Count a batch."""
        self._batch.observe(records)
        self._facts.inc(plan.fact_count)
        self._dead.inc(plan.dead)

    def step_done(self, step: str, seconds: float) -> None:
        """Observe the duration of a step."""
        self._steps.labels(step).observe(seconds)


class _OnScrape(NamedTuple):
    """A collector: reads its metrics at each scrape, so that a projector that stopped shows it."""

    collect: Callable[[], Iterator[Metric]]


def _lag(progress: Progress, watchdog: Watchdog) -> Iterator[Metric]:
    lags = progress.lags()
    records = {lag.partition: lag.records for lag in lags}
    seconds = {lag.partition: lag.seconds for lag in lags if lag.seconds is not None}
    unmoved = "How long a partition has been at one offset while records wait."
    yield _by_partition("crewkit_projector_lag_records", "Records that wait to be projected.", records)
    yield _by_partition("crewkit_projector_lag_seconds", "How long ago everything was projected.", seconds)
    yield _by_partition("crewkit_projector_unmoved_seconds", unmoved, watchdog.unmoved())


def _rollup_lag(progress: Progress, rollups: Rollups) -> Iterator[Metric]:
    behind = {place.partition: max(0, place.end - rollups.rolled_up(place.partition)) for place in progress.places()}
    text = "Records that wait to be projected, or whose sessions wait to be in the rollups."
    yield _by_partition("crewkit_projector_rollup_lag_records", text, behind)


def _parts(parts: Parts) -> Iterator[Metric]:
    yield _by("table", "crewkit_projector_table_parts", "Active parts of a table of its generation.", parts.by_table)


def _by_partition(name: str, text: str, values: Mapping[int, float]) -> Metric:
    return _by("partition", name, text, values)


def _by(label: str, name: str, text: str, values: Mapping[Any, float]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=(label,))
    for of, value in values.items():
        gauge.add_metric((str(of),), value)
    return gauge


def _targets(pipeline: Pipeline) -> Iterator[Metric]:
    up = GaugeMetricFamily("crewkit_projector_target_up", "1: it answers; 0: it is away.", labels=("target",))
    retries = CounterMetricFamily(
        "crewkit_projector_retries_total", "Calls that failed and were made again.", labels=("target",)
    )
    for name, target in (("store", pipeline.store_state), ("log", pipeline.log_state)):
        up.add_metric((name,), target.is_up)
        retries.add_metric((name,), target.retries)
    yield from (up, retries)


def _group(group: Callable[[], GroupState]) -> Iterator[Metric]:
    """Show the consumer group as this worker sees it."""
    rebalances, generation = group()
    yield CounterMetricFamily("crewkit_projector_rebalances_total", "Rebalances of the consumer group.", rebalances)
    yield GaugeMetricFamily("crewkit_projector_group_generation", "Generation of the consumer group.", generation)
