"""Composes a projector: pipeline, progress, watchdog and metrics over one warehouse and one log."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import CollectorRegistry

from processors.dead_letter_limit import DeadLetterLimit
from processors.flow.observer import Observer, Observers
from processors.flow.pacer import Pacer
from processors.marks.progress import Progress
from processors.metrics import Parts, ProjectorMetrics
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.projector import Projector
from processors.runners.startup_checks import check_generation, check_log_tail
from processors.runners.watchdog import STILL_S, Watchdog
from processors.state_cache import StateCache
from processors.sweeping import Sweeper
from processors.warehouse import ClickHouseWarehouse, Warehouse
from runtime.settings.settings import Settings
from runtime.settings.store_url import store_address
from schemas.log.position import LogReader
from store.address import StoreAddress
from store.connect import WRITE, connect


def make_projector(
    settings: Settings,
    reader: LogReader,
    partitions: int,
    registry: CollectorRegistry,
    *more: Observer,
    rewrite_log: Callable[[], Awaitable[int]] | None = None,
) -> Projector:
    """Return a projector into the generation that ``settings`` name, with its metrics in ``registry``.

    ``more`` observers get its reports as well. ``rewrite_log`` puts stubs in the place of erased records, if the log
    belongs to this process.
    """
    warehouse = make_warehouse(store_address(settings), settings.generation)
    cache = StateCache(settings.cache_bytes_max)
    limit = DeadLetterLimit(settings.dead_letter_share_max)
    planner = Planner(warehouse, cache, Pricing(warehouse), partitions, limit)
    observers = Observers()
    pipeline = Pipeline(warehouse, reader, planner, cache, observers, Pacer(settings.batch_wait_s))
    check_tail = partial(check_log_tail, warehouse, reader, partitions)
    progress = Progress(pipeline, warehouse, reader, _now_ms, check_tail, observers.marks_written)
    watchdog = Watchdog(progress.places, pipeline.pace, STILL_S)
    parts = Parts(warehouse)
    metrics = ProjectorMetrics(registry, settings.generation, pipeline, progress, watchdog, parts)
    observers.add(watchdog, metrics, progress, *more)
    sweeper = Sweeper(warehouse, pipeline.written, rewrite_log)
    return Projector(pipeline, progress, warehouse, watchdog, metrics, parts, sweeper)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def make_warehouse(store: StoreAddress, generation: str) -> ClickHouseWarehouse:
    make_client = partial(connect, WRITE, **store.at(store.database(generation)))
    return ClickHouseWarehouse(make_client, store.control, generation, store.is_embedded, store.replicas is not None)


async def check_start(warehouse: Warehouse, reader: LogReader, partitions: int) -> None:
    """Refuse to start if the generation or the log doesn't match. Raises `Broken`: the message says what to do."""
    await asyncio.to_thread(check_generation, warehouse, partitions)
    await check_log_tail(warehouse, reader, partitions)
