"""The workers of the model check: the real pipeline, Faust's adapter and the watchdog, over a gated store."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from msgspec import Struct

from processors import pipeline
from processors.dead_letter_limit import DeadLetterLimit
from processors.flow import availability
from processors.flow.observer import Observers
from processors.marks import dense_receipts, gaps
from processors.marks.progress import Progress
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.projections import states
from processors.runners import faust_app
from processors.runners.watchdog import Watchdog
from processors.state_cache import StateCache
from processors.warehouse import Warehouse
from schemas.log.position import LogReader, LogRecord
from store.broken import Broken
from tests.support.fakes.faust import TOPIC, FakeApp, message_of
from tests.support.fakes.gated_store import Call, GatedExecutor, GatedWarehouse
from tests.support.rigs.projection import targets_of

if TYPE_CHECKING:
    from tests.support.oracles.model import World

PARTITIONS = 2
Log = list[list[LogRecord]]  # by partition


class ModelLog:
    """Reads the log by offset, one or two records at a time."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def ends(self) -> Sequence[int]:
        return [len(records) for records in self._log]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        return self._log[partition][start : min(stop, start + 2)]


class WorkerSettings(Struct):
    """The settings of `faust_app`, and its access to offsets."""

    offsets: Any
    topic: str = TOPIC
    partitions: int = PARTITIONS
    group: str = "group"
    static_id: str = "host-group-0"
    batch_records: int = 10


class Worker:
    """One incarnation of a worker process."""

    def __init__(self, name: str, world: "World", cache_bytes: int) -> None:
        self.name, self._world = name, world
        self.calls: list[Call] = []
        self.owned: dict[int, int] = {}  # what the worker believes it owns: partition -> generation of the assignment
        self.position: dict[int, int] = {}
        self.withheld: set[int] = set()  # partitions from which Faust fetches nothing
        self.ended_with: int | None = None
        self.app = FakeApp(world.loop)
        self.consumer = self.app.consumer
        self._store = GatedWarehouse(world.warehouse(name))
        self._executor = GatedExecutor(self.calls, self._store, "committed offsets")
        self._observers = Observers()
        self.pipeline = self._pipeline(cache_bytes)
        with patch.object(faust_app, "_app", lambda _settings: self.app):
            faust_app.build_app(WorkerSettings(self._offsets), self.pipeline, [])  # type: ignore[arg-type]
        self.progress = self._progress()
        self.watchdog = Watchdog(
            self.progress.places, self.pipeline.pace, clock=lambda: world.now, die=lambda code: self._end(code)
        )
        self._observers.add(self.watchdog)
        self._rolling_up: asyncio.Future[None] = world.loop.create_future()
        self._rolling_up.set_result(None)
        self._looking = self._rolling_up
        self.app.start()

    def _progress(self) -> Progress:
        """Return the worker's progress; what it would write to the store is ignored."""
        return Progress(self.pipeline, self._store, ModelLog(self._world.log), lambda: 0)

    def _end(self, code: int) -> None:
        self.ended_with = code

    def _pipeline(self, cache_bytes: int) -> Pipeline:
        made = make_pipeline(self._store, ModelLog(self._world.log), cache_bytes, self._observers)
        made.calls._fold_thread = GatedExecutor(self.calls, self._store, "fold")  # type: ignore[assignment]
        made.calls._write_threads = GatedExecutor(self.calls, self._store, "write")  # type: ignore[assignment]
        made.calls._rollup_thread = GatedExecutor(self.calls, self._store, "rollups")  # type: ignore[assignment]
        made._clock = lambda: self._world.now
        return made

    async def _offsets(self, partitions: Sequence[int]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: self._world.offsets(partitions))

    def roll_up(self) -> bool:
        """Begin to refresh the rollups, as their loop does; return whether any is due and no refresh is running."""
        rollups = self.pipeline.rollups
        due = rollups.due(targets_of(self.pipeline)) if self._rolling_up.done() else {}
        if due:
            self._rolling_up = self._world.loop.create_task(self._crashing(rollups.refresh(due)))
        return bool(due)

    def look_at_receipts(self) -> bool:
        """Begin to check receipts written since the marks, as their loop does, unless a check is running."""
        receipts = self.pipeline.dense_receipts
        due = receipts.due(self.pipeline.written) if self._looking.done() else {}

        async def look() -> None:
            for partition, below in due.items():
                await receipts.follow(partition, below)

        if due:
            self._looking = self._world.loop.create_task(self._crashing(look()))
        return bool(due)

    def fill_holes(self) -> None:
        """Begin to fill all gaps, as a repair does."""
        self._repairing = self._world.loop.create_task(self._crashing(self.pipeline.fill_holes()))

    async def _crashing(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except Broken as error:
            await self.app.crash(error)

    def fetch(self, counts: Sequence[int]) -> list[LogRecord]:
        """Return the next records of its partitions, one from each in turn."""
        fetched = {p: self._next(p, count) for p, count in enumerate(counts) if p in self.owned.keys() - self.withheld}
        turns = range(max(map(len, fetched.values()), default=0))
        return [some[i] for i in turns for some in fetched.values() if i < len(some)]

    def receive(self, records: Sequence[LogRecord]) -> None:
        """Receive fetched records, as the answer to one poll."""
        self.app.arrived.put_nowait([message_of(record) for record in records])

    def handed_all_that_waits(self) -> bool:
        """Return whether it received all records of its partitions: Faust withheld and lost none."""
        written = self.pipeline.written
        return not self.withheld and all(written.get(p, 0) >= position for p, position in self.position.items())

    def _next(self, partition: int, count: int) -> Sequence[LogRecord]:
        start = self.position[partition]
        records = self._world.log[partition][start : start + count]
        self.position[partition] = start + len(records)
        return records


def make_pipeline(store: Warehouse, reader: LogReader, cache_bytes: int, observers: Observers) -> Pipeline:
    """Make a pipeline as a process would."""
    cache = StateCache(cache_bytes)
    planner = Planner(store, cache, Pricing(store), PARTITIONS, DeadLetterLimit(2))
    return Pipeline(store, reader, planner, cache, observers)


class _Quiet:
    """Logs nothing; otherwise there would be thousands of lines."""

    def info(self, *_: Any, **__: Any) -> None: ...

    warning = error = info


@contextmanager
def patched_environment() -> Iterator[None]:
    """Patch the real code for the model check: pauses, logging, and the broker's answers to Faust's adapter."""

    async def offsets(settings: WorkerSettings, partitions: Sequence[int]) -> Any:
        return await settings.offsets(partitions)

    async def nobody_else(*_: Any) -> None:
        """Watch for nothing: here, no duplicate instance takes a worker's membership."""

    async def may_begin_at_once(_: Pipeline, is_full: Coroutine[Any, Any, Any]) -> None:
        is_full.close()

    with ExitStack() as stack:
        for module in (pipeline, gaps, dense_receipts, availability, faust_app):
            stack.enter_context(patch.object(module, "logger", _Quiet()))
        for name in ("RETRY_FIRST_S", "RETRY_MAX_S"):
            stack.enter_context(patch.object(availability, name, 0.0))
        for name, few in (("LOOKED_AT_ONCE", 5), ("EVERY_RECORDS", 1)):
            stack.enter_context(patch.object(dense_receipts, name, few))
        stack.enter_context(patch.object(faust_app, "_offsets", offsets))
        stack.enter_context(patch.object(faust_app, "watch_membership", nobody_else))
        stack.enter_context(patch.object(Pipeline, "wait_to_begin", may_begin_at_once))
        stack.enter_context(patch.object(states, "FACTS_MIN", 2))
        yield
