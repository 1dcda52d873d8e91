"""The real pipeline in tests: an in-memory log behind the reader's port, and a warehouse that crashes at a write."""

import time
from collections.abc import Callable, Iterable, Sequence

from processors.dead_letter_limit import DeadLetterLimit
from processors.flow.observer import Observers
from processors.marks.rollups import Target
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.state_cache import StateCache
from processors.warehouse import Bucket, ClickHouseWarehouse, Rows, Warehouse
from schemas.log.position import LogRecord
from tests.support.rigs.store import TABLES, TestStore, seen


class Crash(Exception):
    """The process dies here."""


class ListedLog:
    """A log of known records, in place of `KafkaLogReader` or the SQLite log."""

    def __init__(self, records: Sequence[LogRecord], partitions: int) -> None:
        self._records, self._partitions = records, partitions

    async def ends(self) -> Sequence[int]:
        return [sum(1 for r in self._records if r.partition == p) for p in range(self._partitions)]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        found = [r for r in self._records if r.partition == partition and start <= r.offset < stop]
        return found[: max(1, bytes_max >> 22)]


class SlowWarehouse(ClickHouseWarehouse):
    """A warehouse with slow inserts of facts, so that the fold of the next batch is always ahead."""

    def insert(self, table: str, rows: Rows) -> None:
        if table == "facts":
            time.sleep(0.03)
        super().insert(table, rows)


class CrashingWarehouse(ClickHouseWarehouse):
    """A warehouse that crashes at the n-th write of a batch, before or after it takes effect.

    The marks of dense receipts move when a partition is assigned; that write belongs to no batch.
    """

    def crash_at(self, nth: int, after: bool) -> "CrashingWarehouse":
        self._left, self._after = nth, after
        return self

    def insert(self, table: str, rows: Rows) -> None:
        if table == "dense_receipts":
            return ClickHouseWarehouse.insert(self, table, rows)
        return self._die_or(lambda: ClickHouseWarehouse.insert(self, table, rows))

    def refresh_rollups(self, hours: Iterable[Bucket]) -> None:
        self._die_or(lambda: ClickHouseWarehouse.refresh_rollups(self, hours))

    def _die_or(self, write: Callable[[], None]) -> None:
        if self._left < 0:
            raise Crash
        self._left -= 1
        dies = self._left < 0
        if dies and not self._after:
            raise Crash
        write()
        if dies:
            raise Crash


def new_pipeline(
    store: TestStore,
    log: Sequence[LogRecord],
    cache_bytes: int = 1 << 30,
    warehouse: Warehouse | None = None,
    dead_share_max: float = 0.9,
    observers: Observers | None = None,
) -> Pipeline:
    """Make a pipeline as a process would, reporting to ``observers``."""
    return pipeline_over(warehouse or store.warehouse(), log, store.partitions, cache_bytes, dead_share_max, observers)


def pipeline_over(
    warehouse: Warehouse,
    log: Sequence[LogRecord],
    partitions: int,
    cache_bytes: int = 1 << 30,
    dead_share_max: float = 0.9,
    observers: Observers | None = None,
) -> Pipeline:
    """Make a pipeline over any warehouse, such as a fake."""
    cache = StateCache(cache_bytes)
    planner = Planner(warehouse, cache, Pricing(warehouse), partitions, DeadLetterLimit(dead_share_max))
    return Pipeline(warehouse, ListedLog(log, partitions), planner, cache, observers or Observers())


async def settle(pipeline: Pipeline) -> None:
    """Wait until everything folded is in the tables, and bring the rollups up to date."""
    await pipeline.drain()
    await pipeline.rollups.refresh(pipeline.rollups.due(targets_of(pipeline)))


def targets_of(pipeline: Pipeline) -> dict[int, Target]:
    """Return the offsets up to which the partitions are written, with no generation filling."""
    return {partition: Target(offset, 1) for partition, offset in pipeline.written.items()}


def tables(store: TestStore) -> dict[str, list[tuple[object, ...]]]:
    """Return every derived table, as readers see it."""
    found = {table: store.client.query(f"{seen(table, store.database)} ORDER BY ALL") for table in TABLES}
    return {table: [tuple(map(str, row)) for row in rows.result_rows] for table, rows in found.items()}
