"""Does a projector start as fast after a long history? Receipts of 40,000,000 records compared with 1,000,000.

A fresh process opens the store, then makes the checks of a start and takes the partition over. The times exclude the
opening of the engine. Processor time is compared as well, since wall time moves on a machine that is busy otherwise.
`HISTORY_RECORDS` asks for another length.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.services import in_own_process, resident_mb, temporary_folder
from prices.price_list import list_prices
from processors.dead_letter_limit import DeadLetterLimit
from processors.flow.observer import Observers
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.runners.local_loop import run_local
from processors.state_cache import StateCache
from processors.warehouse import Warehouse
from runtime.operations.provision_store import provision_store
from runtime.services.projector import check_start, make_warehouse
from runtime.settings.settings import Settings
from runtime.settings.store_url import parse_store_url
from schemas.log.position import LogRecord
from store.connect import WRITE, connect
from store.generations import FIRST_GENERATION
from store.sql import read_sql

FEW, MANY = 1_000_000, int(os.environ.get("HISTORY_RECORDS", "40000000"))
INSERTED_AT_ONCE = 2_500_000
ROUNDS, QUIET_S = 7, 3.0
RATIO_MARK, MEMORY_MARK_MB = 1.5, 50


class Start(NamedTuple):
    """What a start took, and by how much the memory of the process rose above that of the opened engine."""

    seconds: float
    processor_s: float
    memory_mb: float


class EndOfStart(Exception):
    """The partition is taken over."""


class EndedLog:
    """A log of which only the end is read: every record has its receipt."""

    def __init__(self, records: int) -> None:
        self._records = records

    async def ends(self) -> Sequence[int]:
        return [self._records]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return nothing: no record waits."""
        del partition, stop, bytes_max
        if start != self._records:
            raise AssertionError(f"the first record to project is that of {start}")
        return []

    async def wait_beyond(self, offset: int, timeout_s: float) -> None:
        """Raise: the next record is awaited, so the partition is taken over."""
        del offset, timeout_s
        raise EndOfStart


def fill(folder: str, records: int) -> None:
    """Make a store with the receipts of so many records; the last one is of a dead letter."""
    store = parse_store_url(f"chdb://{folder}/store")
    provision_store(store, 1, list_prices())
    with closing(connect(WRITE, **store.at(store.database(FIRST_GENERATION)))) as client:
        for start in range(0, records, INSERTED_AT_ONCE):
            some = {"start": start, "count": min(INSERTED_AT_ONCE, records - start)}
            client.command(read_sql("bench.sql", "receipts"), parameters=some)
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_S:  # else the merges of this history would run beside the starts
            if client.command("SELECT count() FROM system.merges"):
                quiet_since = time.monotonic()
            time.sleep(0.1)


def start(folder: str, records: int) -> Start:
    """Check the log and the tables, and take the partition over, as `up` does."""
    warehouse = make_warehouse(parse_store_url(f"chdb://{folder}/store"), FIRST_GENERATION)
    warehouse.generation()  # opens the engine
    before, used, begun = resident_mb(os.getpid(), peak=True), time.process_time(), time.monotonic()
    asyncio.run(_take_over(warehouse, EndedLog(records)))
    took = time.monotonic() - begun, time.process_time() - used
    return Start(*took, resident_mb(os.getpid(), peak=True) - before)


async def _take_over(warehouse: Warehouse, log: EndedLog) -> None:
    await check_start(warehouse, log, 1)
    cache = StateCache(Settings().cache_bytes_max)
    planner = Planner(warehouse, cache, Pricing(warehouse), 1, DeadLetterLimit(2))
    pipeline = Pipeline(warehouse, log, planner, cache, Observers())
    with suppress(EndOfStart):
        await run_local(pipeline, warehouse, log, Settings().batch_records)


def _measure(report: Report) -> list[Figure]:
    """Fill both stores, look once without a mark, then start in turns, since timings move."""
    with temporary_folder() as folder:
        stores = {records: str(Path(folder) / str(records)) for records in (FEW, MANY)}
        first, later = {}, {records: list[Start]() for records in stores}
        for records, path in stores.items():
            report(f"writing {records:,} receipts")
            in_own_process(fill, path, records)
            first[records] = in_own_process(start, path, records)
        for number in range(ROUNDS):
            for records, path in stores.items():
                report(f"round {number + 1} of {ROUNDS}: {records:,} receipts")
                later[records].append(in_own_process(start, path, records))
    few, many = (median(found.seconds for found in later[records]) for records in stores)
    few_used, many_used = (median(found.processor_s for found in later[records]) for records in stores)
    memory = max(found.memory_mb for found in later[MANY])
    return [
        at_most("start_after_history, 40 M / 1 M", many / few, "", RATIO_MARK),
        at_most("start_after_history, 40 M / 1 M, processor", many_used / few_used, "", RATIO_MARK),
        at_most("start_after_history memory", memory, "MB", MEMORY_MARK_MB),
        without_mark("start_after_history, 40 M", many * 1000, "ms"),
        without_mark("start_after_history, 1 M", few * 1000, "ms"),
        without_mark("start_after_history without a mark, 40 M", first[MANY].seconds, "s"),
        without_mark("start_after_history without a mark, 40 M, memory", first[MANY].memory_mb, "MB"),
        without_mark("start_after_history without a mark, 1 M", first[FEW].seconds, "s"),
        without_mark("start_after_history without a mark, 1 M, memory", first[FEW].memory_mb, "MB"),
    ]


QUESTIONS = (
    BenchQuestion(
        "start_after_history", "a start after 40,000,000 records compared with 1,000,000", _measure, only_by_name=True
    ),
)
