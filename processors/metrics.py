"""The metrics of a projector: batches, steps, dead letters, how far it is behind, and what it waits for.

Each has the label ``generation``: projectors of several generations may share one Prometheus, and one that fills a new
generation is behind for hours without anything being wrong.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from processors.flow.observer import Observer
from processors.marks.progress import Progress
from processors.pipeline import Pipeline
from processors.plan import Plan
from processors.runners.watchdog import Watchdog
from processors.warehouse import ClickHouseWarehouse, TableParts
from schemas.log.codec import UNDECODABLE_KINDS
from store.errors import StoreUnavailable

Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
COUNT_PARTS_EVERY_S = 30.0
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS = (1, 5, 10, 25, 50, 100, 250, 500, 800, 1_000, 2_500)


class Parts:
    """The active parts of each table, counted at intervals: the first sign of too many small inserts, and of growth."""

    def __init__(self, warehouse: ClickHouseWarehouse) -> None:
        self._warehouse = warehouse
        self.by_table: Mapping[str, TableParts] = {}  # as of the last look at which the store answered

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(COUNT_PARTS_EVERY_S)

    async def look(self) -> None:
        """Look once. The pipeline reports an outage of the store."""
        with contextlib.suppress(StoreUnavailable):
            self.by_table = await asyncio.to_thread(self._warehouse.parts)


class ProjectorMetrics(Observer):
    """Counts what the pipeline reports; reads everything else at each scrape, so that a projector that hangs shows."""

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
        crowded = counter(
            "crewkit_projector_crowded_sessions_total",
            "Sessions of a batch that are so long that amounts may count at another time than their own.",
            ("generation",),
        )
        self._steps = histogram(
            "crewkit_projector_step_duration_seconds",
            "Each step: fold, the writes of a batch and of the rollups; including the wait for the store.",
            ("generation", "step"),
            buckets=_SECONDS,
        )
        self._batch, self._facts = batch.labels(generation), facts.labels(generation)
        self._crowded = crowded.labels(generation)
        # Each reason has a series from the start: Prometheus sees no increase in a series that starts at one.
        self._dead = {kind: dead.labels(generation, kind) for kind in UNDECODABLE_KINDS}
        self._generation, self._pipeline, self._progress = generation, pipeline, progress
        self._watchdog, self._parts = watchdog, parts
        self._group: Callable[[], tuple[int, int]] | None = None
        self._erasures: Callable[[], tuple[float, int] | None] = lambda: None
        registry.register(self)

    def follow_group(self, group: Callable[[], tuple[int, int]]) -> None:
        """Show the consumer group as well: ``group`` returns its rebalances and its generation."""
        self._group = group

    def follow_erasures(self, erasures: Callable[[], tuple[float, int] | None]) -> None:
        """Show erasures as well: ``erasures`` returns the age of the oldest that is not certified (s), and in how many
        partitions something that had been removed was found again; None if another process looks.
        """
        self._erasures = erasures

    def batch_written(self, plan: Plan, records: int) -> None:
        self._batch.observe(records)
        self._facts.inc(plan.fact_count)
        self._crowded.inc(plan.crowded)
        for price, count in plan.disagreeing.items():
            self._disagreeing.labels(self._generation, price).inc(count)
        for kind, count in plan.dead.items():
            self._dead[kind].inc(count)

    def step_done(self, step: str, seconds: float) -> None:
        self._steps.labels(self._generation, step).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Return what is read at a scrape, for a registry."""
        yield from self._lags()
        yield from self._tables()
        yield from self._targets()
        yield from self._states()
        yield from self._of_erasures()

    def _lags(self) -> Iterator[Metric]:
        progress, rolled_up = self._progress, self._pipeline.rollups.rolled_up
        lags = progress.lags()
        records = [(lag.partition, lag.records) for lag in lags]
        seconds = [(lag.partition, lag.seconds) for lag in lags if lag.seconds is not None]
        behind = [(place.partition, max(0, place.end - rolled_up(place.partition))) for place in progress.places()]
        rollup_lag = "Records that wait to be projected, or whose sessions wait to be in the rollups."
        unmoved = "How long a partition has been at one offset while records wait."
        yield self._by("partition", "crewkit_projector_lag_records", "Records that wait to be projected.", records)
        yield self._by("partition", "crewkit_projector_lag_seconds", "How long ago everything was projected.", seconds)
        yield self._by("partition", "crewkit_projector_rollup_lag_records", rollup_lag, behind)
        yield self._by("partition", "crewkit_projector_unmoved_seconds", unmoved, self._watchdog.unmoved().items())

    def _tables(self) -> Iterator[Metric]:
        tables = self._parts.by_table.items()
        parts = [(table, found.parts) for table, found in tables]
        sizes = [(table, found.bytes) for table, found in tables]
        yield self._by("table", "crewkit_projector_table_parts", "Active parts of a table of its generation.", parts)
        yield self._by("table", "crewkit_projector_table_bytes", "Bytes of a table of its generation on disk.", sizes)

    def _targets(self) -> Iterator[Metric]:
        targets = {"store": self._pipeline.calls.store, "log": self._pipeline.calls.log}
        up = [(name, target.is_up) for name, target in targets.items()]
        yield self._by("target", "crewkit_projector_target_up", "1: it answers; 0: it is away.", up)
        retries = [(name, target.retries) for name, target in targets.items()]
        text = "Calls that failed and were repeated."
        yield self._by("target", "crewkit_projector_retries_total", text, retries, CounterMetricFamily)

    def _states(self) -> Iterator[Metric]:
        pipeline, ends = self._pipeline, self._progress.ends
        yield self._one("crewkit_projector_log_partitions", "Partitions of the log.", len(ends))
        yield self._one("crewkit_projector_assigned_partitions", "Partitions that it follows.", len(pipeline.assigned))
        yield self._one("crewkit_projector_generation_live", "1: readers use the generation.", pipeline.is_live)
        yield self._one("crewkit_projector_generation_paused", "1: an operator paused it.", pipeline.gate.is_paused)
        if self._group is None:
            return
        rebalances, generation = self._group()
        name, text = "crewkit_projector_rebalances_total", "Rebalances of the consumer group."
        yield self._one(name, text, rebalances, CounterMetricFamily)
        yield self._one("crewkit_projector_group_generation", "Generation of the consumer group.", generation)

    def _of_erasures(self) -> Iterator[Metric]:
        if (seen := self._erasures()) is not None:
            age = "Age of the oldest erasure that is not certified."
            yield self._one("crewkit_projector_erasure_uncertified_seconds", age, seen[0])
            found = "Partitions in which the last check found what had been swept or certified."
            yield self._one("crewkit_projector_erased_found_partitions", found, seen[1])

    def _one(self, name: str, text: str, value: float, kind: Family = GaugeMetricFamily) -> Metric:
        family = kind(name, text, labels=("generation",))
        family.add_metric((self._generation,), value)
        return family

    def _by(
        self, label: str, name: str, text: str, values: Iterable[tuple[Any, float]], kind: Family = GaugeMetricFamily
    ) -> Metric:
        family = kind(name, text, labels=("generation", label))
        for of, value in values:
            family.add_metric((self._generation, str(of)), value)
        return family
