"""The metrics of a projector: batches, steps, dead letters, how far it is behind, and what it waits for.

Each has the label ``generation``: projectors of several generations may share one Prometheus, and one that fills a new
generation is behind for hours without anything being wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from processors.flow.observer import Observer
from processors.marks.progress import Progress
from processors.marks.rollups import Rollups
from processors.parts import Parts
from processors.pipeline import Pipeline
from processors.plan import Plan
from processors.runners.watchdog import Watchdog
from schemas.log.codec import UNDECODABLE_KINDS

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS = (1, 5, 10, 25, 50, 100, 250, 500, 800, 1_000, 2_500)


class GroupState(NamedTuple):
    """Rebalances of the consumer group since this worker started, and the group's generation."""

    rebalances: int
    generation: int


class ProjectorMetrics(Observer):
    """Counts what the pipeline reports, and reads everything else when Prometheus scrapes."""

    def __init__(
        self,
        registry: CollectorRegistry,
        generation: str,
        pipeline: Pipeline,
        progress: Progress,
        watchdog: Watchdog,
        parts: Parts,
    ) -> None:
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        batch = histogram("crewkit_projector_batch_records", "Records of one batch.", ("generation",), buckets=_RECORDS)
        facts = counter("crewkit_projector_facts_total", "Facts that were projected.", ("generation",))
        dead = counter(
            "crewkit_projector_dead_letters_total",
            "Records that could not be projected, by kind of reason.",
            ("generation", "reason"),
        )
        self._disagreeing = counter(
            "crewkit_projector_price_disagreements_total",
            "Requests to a model whose cost, as given by the client, differs from the price list by more than 1 %.",
            ("generation", "price"),
        )
        self._steps = histogram(
            "crewkit_projector_step_duration_seconds",
            "Each step: fold, the writes of a batch and of the rollups; including the wait for the store.",
            ("generation", "step"),
            buckets=_SECONDS,
        )
        self._batch, self._facts = batch.labels(generation), facts.labels(generation)
        # Each reason has a series from the start: Prometheus sees no increase in a series that starts at one.
        self._dead = {kind: dead.labels(generation, kind) for kind in UNDECODABLE_KINDS}
        self._registry, self._generation = registry, generation
        families = _Families(generation)
        registry.register(_OnScrape(partial(_lag, families, progress, watchdog)))
        registry.register(_OnScrape(partial(_rollup_lag, families, progress, pipeline.rollups)))
        registry.register(_OnScrape(partial(_targets, families, pipeline)))
        registry.register(_OnScrape(partial(_parts, families, parts)))
        registry.register(_OnScrape(partial(_partitions, families, pipeline, progress)))
        registry.register(_OnScrape(partial(_state, families, pipeline)))

    def follow_group(self, group: Callable[[], GroupState]) -> None:
        self._registry.register(_OnScrape(partial(_group, _Families(self._generation), group)))

    def batch_written(self, plan: Plan, records: int) -> None:
        self._batch.observe(records)
        self._facts.inc(plan.fact_count)
        for price, count in plan.disagreeing.items():
            self._disagreeing.labels(self._generation, price).inc(count)
        for kind, count in plan.dead.items():
            self._dead[kind].inc(count)

    def step_done(self, step: str, seconds: float) -> None:
        self._steps.labels(self._generation, step).observe(seconds)


class _OnScrape(NamedTuple):
    """A collector: reads its metrics at each scrape, so that a projector that hangs still shows it."""

    collect: Callable[[], Iterator[Metric]]


class _Families(NamedTuple):
    """Makes the metrics of one generation."""

    generation: str

    def one(self, name: str, text: str, value: float) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=("generation",))
        gauge.add_metric((self.generation,), value)
        return gauge

    def by(self, label: str, name: str, text: str, values: Mapping[Any, float]) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=("generation", label))
        for of, value in values.items():
            gauge.add_metric((self.generation, str(of)), value)
        return gauge

    def by_partition(self, name: str, text: str, values: Mapping[int, float]) -> Metric:
        return self.by("partition", name, text, values)


def _lag(families: _Families, progress: Progress, watchdog: Watchdog) -> Iterator[Metric]:
    lags = progress.lags()
    records = {lag.partition: lag.records for lag in lags}
    seconds = {lag.partition: lag.seconds for lag in lags if lag.seconds is not None}
    unmoved = "How long a partition has been at one offset while records wait."
    yield families.by_partition("crewkit_projector_lag_records", "Records that wait to be projected.", records)
    yield families.by_partition("crewkit_projector_lag_seconds", "How long ago everything was projected.", seconds)
    yield families.by_partition("crewkit_projector_unmoved_seconds", unmoved, watchdog.unmoved())


def _rollup_lag(families: _Families, progress: Progress, rollups: Rollups) -> Iterator[Metric]:
    behind = {place.partition: max(0, place.end - rollups.rolled_up(place.partition)) for place in progress.places()}
    text = "Records that wait to be projected, or whose sessions wait to be in the rollups."
    yield families.by_partition("crewkit_projector_rollup_lag_records", text, behind)


def _parts(families: _Families, parts: Parts) -> Iterator[Metric]:
    counts = {table: found.parts for table, found in parts.by_table.items()}
    sizes = {table: found.bytes for table, found in parts.by_table.items()}
    yield families.by("table", "crewkit_projector_table_parts", "Active parts of a table of its generation.", counts)
    yield families.by("table", "crewkit_projector_table_bytes", "Bytes of a table of its generation on disk.", sizes)


def _partitions(families: _Families, pipeline: Pipeline, progress: Progress) -> Iterator[Metric]:
    yield families.one("crewkit_projector_log_partitions", "Partitions of the log.", len(progress.ends))
    assigned = len(pipeline.assigned)
    yield families.one("crewkit_projector_assigned_partitions", "Partitions that it follows.", assigned)


def _state(families: _Families, pipeline: Pipeline) -> Iterator[Metric]:
    yield families.one("crewkit_projector_generation_live", "1: readers use the generation.", pipeline.is_live)
    yield families.one("crewkit_projector_generation_paused", "1: an operator paused it.", pipeline.gate.is_paused)


def _targets(families: _Families, pipeline: Pipeline) -> Iterator[Metric]:
    labels = ("generation", "target")
    up = GaugeMetricFamily("crewkit_projector_target_up", "1: it answers; 0: it is away.", labels=labels)
    retries = CounterMetricFamily(
        "crewkit_projector_retries_total", "Calls that failed and were repeated.", labels=labels
    )
    for name, target in (("store", pipeline.store_state), ("log", pipeline.log_state)):
        up.add_metric((families.generation, name), target.is_up)
        retries.add_metric((families.generation, name), target.retries)
    yield from (up, retries)


def _group(families: _Families, group: Callable[[], GroupState]) -> Iterator[Metric]:
    rebalances, generation = group()
    seen = CounterMetricFamily(
        "crewkit_projector_rebalances_total", "Rebalances of the consumer group.", labels=("generation",)
    )
    seen.add_metric((families.generation,), rebalances)
    yield seen
    text = "Generation of the consumer group."
    yield families.one("crewkit_projector_group_generation", text, generation)
