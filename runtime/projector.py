"""Put a projector together: pipeline, progress and watchdog over one warehouse and one log."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct

from processors.dead_letter_limit import RejectionLimit
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.progress import Progress
from processors.runners.startup_checks import check_generation, check_log_tail
from processors.runners.watchdog import STILL_S, Watchdog
from processors.state_cache import StateCache
from processors.warehouse import ClickHouseWarehouse
from runtime.settings import Settings
from runtime.store_url import store_address
from schemas.log.position import LogReader
from store.address import StoreAddress
from store.connect import WRITE, connect


class Projector(Struct):
    """The parts of a projector, wired to each other but not running yet."""

    pipeline: Pipeline
    progress: Progress
    warehouse: ClickHouseWarehouse
    watchdog: Watchdog
    check_tail: Callable[[], Awaitable[None]]


def make_projector(settings: Settings, reader: LogReader, partitions: int) -> Projector:
    """A projector into the generation that ``settings`` name."""
    warehouse = make_warehouse(store_address(settings), settings.generation)
    cache = StateCache(settings.cache_facts_max)
    limit = RejectionLimit(settings.dead_letter_share_max)
    planner = Planner(warehouse, cache, Pricing(warehouse), partitions, limit)
    pipeline = Pipeline(warehouse, reader, planner, cache)
    progress = Progress(pipeline, warehouse, reader, now_ms)
    watchdog = Watchdog(progress.places, pipeline.pace, STILL_S)
    pipeline.alive = watchdog.alive
    check_tail = partial(check_log_tail, warehouse, reader, partitions)
    progress.on_log_returned = check_tail
    return Projector(pipeline, progress, warehouse, watchdog, check_tail)


def make_warehouse(store: StoreAddress, generation: str) -> ClickHouseWarehouse:
    """The warehouse of one generation."""
    make_client = partial(connect, WRITE, **store.at(store.database(generation)))
    return ClickHouseWarehouse(make_client, store.control, generation, embedded=store.is_embedded)


async def check_start(projector: Projector, partitions: int) -> None:
    """Refuse to start into what does not fit.

    Raises:
        processors.errors.Broken: with what to do.
    """
    await asyncio.to_thread(check_generation, projector.warehouse, partitions)
    await projector.check_tail()


def now_ms() -> int:
    """The wall clock, milliseconds since 1970."""
    return time.time_ns() // 1_000_000
