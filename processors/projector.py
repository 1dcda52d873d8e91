"""The parts of a projector. `runtime.services.projector` puts them together."""

from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct

from processors.marks.progress import Progress
from processors.metrics import Parts, ProjectorMetrics
from processors.pipeline import Pipeline
from processors.runners.watchdog import Watchdog
from processors.sweeping import Sweeper
from processors.warehouse import ClickHouseWarehouse


class Projector(Struct):
    """The parts of a projector, connected but not running yet."""

    pipeline: Pipeline
    progress: Progress
    warehouse: ClickHouseWarehouse
    watchdog: Watchdog
    metrics: ProjectorMetrics
    parts: Parts
    sweeper: Sweeper

    def background(self) -> list[Callable[[], Awaitable[None]]]:
        """Return the jobs that run alongside the batches until cancelled."""
        rollups = partial(self.pipeline.rollups.run, self.progress.targets)
        dense_receipts = partial(self.pipeline.dense_receipts.run, self.pipeline.written.copy)
        return [self.progress.run, rollups, dense_receipts, self.parts.run]
