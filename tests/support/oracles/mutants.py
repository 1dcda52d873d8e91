"""The real code with one plausible mistake each.

The model check must catch every one. A mutant is a small patch of `processors`, or of the fake store or the fake Faust
if the code belongs to them. Each docstring states the wrong belief behind the mistake.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import patch

import msgspec

from processors import plan as planning
from processors.fold import fold
from processors.marks import dense_receipts
from processors.marks.dense_receipts import DenseReceipts
from processors.marks.rollups import Rollups, Target
from processors.pipeline import Pipeline, _done
from processors.plan import Plan, Planner
from processors.rowbinary import event_parts
from processors.runners.watchdog import Watchdog
from processors.state_cache import StateCache
from processors.warehouse import DAY_S, Bucket, RollupMark, SessionKey
from schemas.log.position import LogRecord
from schemas.store.rows import FactRow
from store.errors import StoreUnavailable
from tests.support.fakes.faust import FakeStream
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.oracles.model import World
from tests.support.oracles.model_worker import PARTITIONS
from tests.support.oracles.rollups import BUCKETS

Targets = Mapping[int, Target]
Patch = Callable[[], AbstractContextManager[Any]]
MUTANTS: dict[str, Patch] = {}


def mutant(make: Patch) -> Patch:
    """Register a mutant under its function's name, written as words."""
    MUTANTS[make.__name__.replace("_", " ")] = make
    return make


@mutant
def acknowledge_before_the_writes() -> AbstractContextManager[Any]:
    """The mistake: a folded record is as good as written."""
    real = Pipeline.project

    async def project(self: Pipeline, records: Sequence[LogRecord]) -> Any:
        await real(self, records)
        return _done()

    return patch.object(Pipeline, "project", project)


@mutant
def acknowledge_before_the_receipts() -> AbstractContextManager[Any]:
    """The mistake: receipts are only for the audit."""
    return _not_waited_for("receipts")


@mutant
def receipts_before_the_rest() -> AbstractContextManager[Any]:
    """The mistake: receipts are the smallest, so they come first."""
    real = Pipeline._write

    async def write(self: Pipeline, plan: Plan, records: int, fold_s: float) -> None:
        await self._insert("receipts", plan.receipts)
        await real(self, plan, records, fold_s)

    return patch.object(Pipeline, "_write", write)


def _not_waited_for(table: str) -> AbstractContextManager[Any]:
    real = Pipeline._insert
    running: list[Any] = []

    async def insert(self: Pipeline, to: str, rows: Any) -> None:
        writing = asyncio.ensure_future(real(self, to, rows))
        running.append(writing)
        if to != table:
            await writing

    return patch.object(Pipeline, "_insert", insert)


@mutant
def sessions_skipped_after_a_crash() -> AbstractContextManager[Any]:
    """The mistake: its facts exist, so the session was written."""
    return _skipped_when_repeated("sessions")


@mutant
def tasks_skipped_after_a_crash() -> AbstractContextManager[Any]:
    """The same for tasks."""
    return _skipped_when_repeated("tasks")


@mutant
def derivations_skipped_after_a_crash() -> AbstractContextManager[Any]:
    """The same for derivations."""
    return _skipped_when_repeated("derivations")


def _skipped_when_repeated(skipped: str) -> AbstractContextManager[Any]:
    repeated: dict[int, bool] = {}
    real_write, real_step = Pipeline._write, Pipeline._step

    async def write(self: Pipeline, plan: Plan, records: int, fold_s: float) -> None:
        store: Any = getattr(self._warehouse, "_store", self._warehouse)  # a clean pass has no gate before it
        keys = [_place(row) for row in store.decode("facts", plan.facts)]
        repeated[id(self)] = all(key in store.tables["facts"] for key in keys)
        await real_write(self, plan, records, fold_s)

    async def step(self: Pipeline, name: str, call: Any) -> Any:
        if name == skipped and repeated[id(self)]:
            return msgspec.defstruct("Nothing", [("compactions", bytes, b""), ("analyses", bytes, b"")])()
        return await real_step(self, name, call)

    return _all(patch.object(Pipeline, "_write", write), patch.object(Pipeline, "_step", step))


@mutant
def cache_kept_over_a_rebalance() -> AbstractContextManager[Any]:
    """The mistake: the cache was right when the partition was last assigned."""
    return patch.object(StateCache, "drop", lambda _self, _partition: None)


@mutant
def acknowledged_by_faust() -> AbstractContextManager[Any]:
    """The mistake: a record that the agent has passed on is done."""
    return patch.object(FakeStream, "enable_acks", property(lambda _self: True, lambda _self, _value: None))


@mutant
def rollup_version_by_clock() -> AbstractContextManager[Any]:
    """The mistake: the later write is the better one."""
    clock = count(1)
    real = FakeWarehouse.put

    def put(self: FakeWarehouse, table: str, rows: Any) -> None:
        if table in BUCKETS:
            rows = [msgspec.structs.replace(row, version=next(clock)) for row in rows]
        real(self, table, rows)

    return _all(patch.object(FakeWarehouse, "put", put), patch.object(World, "versions_are_sums", False))


@mutant
def rollup_version_by_count() -> AbstractContextManager[Any]:
    """The mistake: the writer that saw more sessions knows more."""
    real = FakeWarehouse.put

    def put(self: FakeWarehouse, table: str, rows: Any) -> None:
        if table in BUCKETS:
            rows = [msgspec.structs.replace(row, version=row.sessions) for row in rows]
        real(self, table, rows)

    return _all(patch.object(FakeWarehouse, "put", put), patch.object(World, "versions_are_sums", False))


@mutant
def rollup_content_and_version_from_two_readings() -> AbstractContextManager[Any]:
    """The mistake: two subqueries over one table see the same rows."""

    def refreshing(self: FakeWarehouse, hours: Any) -> Iterator[None]:
        touched = sorted(set(hours))
        days = sorted({(org, hour // DAY_S * DAY_S) for org, hour in touched})
        for table, read, buckets in (
            ("rollup_hourly", self.read_hours, touched),
            ("rollup_daily", self.read_days, days),
        ):
            contents = read(buckets)
            yield
            versions = {(row.org_id, row.bucket): row.version for row in read(buckets)}
            yield
            self.put(table, [_with_version(row, versions) for row in contents])
            yield

    return patch.object(FakeWarehouse, "refreshing", refreshing)


def _with_version(row: Any, versions: dict[Bucket, int]) -> Any:
    return msgspec.structs.replace(row, version=versions.get((row.org_id, row.bucket), row.version))


@mutant
def marks_of_rollups_moved_before_the_refresh() -> AbstractContextManager[Any]:
    """The mistake: the refresh starts now, so it is as good as done."""
    real = Rollups.refresh

    async def refresh(self: Rollups, targets: Targets) -> None:
        await self._move({p: self._reached(p, target) for p, target in targets.items()})
        await real(self, targets)

    return patch.object(Rollups, "refresh", refresh)


@mutant
def marks_of_rollups_taken_after_the_refresh() -> AbstractContextManager[Any]:
    """The mistake: everything written by now was read by the refresh."""
    real = Rollups._move

    async def move(self: Rollups, reached: dict[int, RollupMark]) -> None:
        written: dict[int, int] = self._pipeline.written  # type: ignore[attr-defined]  # a port with less
        await real(self, {p: RollupMark(written.get(p, mark.rolled_up), 1) for p, mark in reached.items()})

    return patch.object(Rollups, "_move", move)


@mutant
def one_mark_of_rollups_for_all_partitions() -> AbstractContextManager[Any]:
    """The mistake: all partitions are refreshed together, so they have the same mark."""
    real = Rollups._move

    async def move(self: Rollups, reached: dict[int, RollupMark]) -> None:
        await real(self, dict.fromkeys(reached, max(reached.values())))

    return patch.object(Rollups, "_move", move)


@mutant
def an_older_hour_of_a_batch_forgotten() -> AbstractContextManager[Any]:
    """The mistake: events of a batch belong to the current hour."""
    real = Rollups.changed

    def changed(self: Rollups, hours: Sequence[Bucket]) -> None:
        latest = dict(sorted(hours))
        real(self, latest.items())

    return patch.object(Rollups, "changed", changed)


@mutant
def hours_that_change_during_a_refresh_forgotten() -> AbstractContextManager[Any]:
    """The mistake: after a refresh, nothing is behind."""
    real = Rollups._move

    async def move(self: Rollups, reached: dict[int, RollupMark]) -> None:
        await real(self, reached)
        self._behind.clear()

    return patch.object(Rollups, "_move", move)


@mutant
def rollups_not_searched_after_a_take_over() -> AbstractContextManager[Any]:
    """The mistake: the previous worker refreshed everything that it wrote."""
    return patch.object(Rollups, "search", lambda _self, _partition: None)


@mutant
def rollups_searched_before_holes_are_filled() -> AbstractContextManager[Any]:
    """The mistake: taking a partition over is a single moment, at which everything can be noted."""
    real = Rollups.take_over

    def take_over(self: Rollups, partition: int, mark: RollupMark) -> None:
        real(self, partition, mark)
        self._unknown.add(partition)

    return _all(
        patch.object(Rollups, "take_over", take_over),
        patch.object(Rollups, "search", lambda _self, _partition: None),
    )


@mutant
def reload_that_sees_facts_of_the_batch_and_beyond() -> AbstractContextManager[Any]:
    """The mistake: everything known about a session belongs to its state."""
    real = Planner._load_some
    return patch.object(Planner, "_load_some", lambda self, keys, below: real(self, keys, 1 << 60))


@mutant
def no_density_check() -> AbstractContextManager[Any]:
    """The mistake: Kafka loses nothing."""

    async def fill_holes(self: Pipeline, partition: int, _since: int, below: int) -> int:
        await self._note_projected(partition, below)
        return 0

    return patch.object(Pipeline, "_fill_holes", fill_holes)


@mutant
def dense_mark_moved_before_holes_are_filled() -> AbstractContextManager[Any]:
    """The mistake: the gaps are about to be filled, so the mark may move first."""
    real = Pipeline._fill_holes

    async def fill_holes(self: Pipeline, partition: int, since: int, below: int) -> int:
        await self.dense_receipts.found_dense(partition, since, below)
        return await real(self, partition, since, below)

    return patch.object(Pipeline, "_fill_holes", fill_holes)


@mutant
def dense_mark_moved_without_a_look() -> AbstractContextManager[Any]:
    """The mistake: everything that was written has its receipt."""

    async def look(self: DenseReceipts, partition: int, since: int, below: int, ask: Any) -> bool:
        await self._move(partition, since, below, ask)
        return True

    return patch.object(DenseReceipts, "_look", look)


@mutant
def dense_mark_believed_beyond_the_last_receipt() -> AbstractContextManager[Any]:
    """The mistake: a store that has the mark has everything below it."""
    return patch.object(dense_receipts, "believed", lambda mark: mark.below)


@mutant
def one_dense_mark_for_all_partitions() -> AbstractContextManager[Any]:
    """The mistake: one check covers the whole log."""
    real = DenseReceipts._move

    async def move(self: DenseReceipts, partition: int, since: int, below: int, ask: Any) -> None:
        for one in range(PARTITIONS):
            await real(self, one, since, below, ask)

    return patch.object(DenseReceipts, "_move", move)


@mutant
def a_repair_that_looks_from_the_mark_on() -> AbstractContextManager[Any]:
    """The mistake: a repair is like one more assignment."""

    async def fill_holes(self: Pipeline) -> int:
        filled = 0
        for partition in sorted(self.written):
            async with self._turn, self._while_repairing():
                since = await self.dense_receipts.since(partition)
                filled += await self._fill_holes(partition, since, self._folded[partition])
        return filled

    return patch.object(Pipeline, "fill_holes", fill_holes)


@mutant
def jumps_are_not_noticed() -> AbstractContextManager[Any]:
    """The mistake: checking at each assignment is enough."""

    async def project(self: Pipeline, records: Sequence[LogRecord]) -> Any:
        async with self._turn:
            await self.fold(records)
            return self._last or _done()

    return patch.object(Pipeline, "project", project)


@mutant
def eviction_before_write_1() -> AbstractContextManager[Any]:
    """The mistake: a folded session may be evicted."""
    real = Pipeline._write

    async def write(self: Pipeline, plan: Plan, records: int, fold_s: float) -> None:
        self._cache.stored(plan.pinned)
        with patch.object(self._cache, "stored", lambda _keys: None):
            await real(self, plan, records, fold_s)

    return patch.object(Pipeline, "_write", write)


@mutant
def kept_state_from_beyond_the_batch() -> AbstractContextManager[Any]:
    """The mistake: the latest saved state is the best one, even for records that are projected again."""
    real = FakeWarehouse.kept_state
    return patch.object(FakeWarehouse, "kept_state", lambda self, of, session, _below: real(self, of, session, 1 << 60))


@mutant
def kept_state_without_the_next_record() -> AbstractContextManager[Any]:
    """The mistake: the version of a state is the offset of its last record."""
    real = FakeWarehouse.facts

    def facts(self: FakeWarehouse, sessions: Sequence[SessionKey], below: int, since: int = 0) -> list[FactRow]:
        return real(self, sessions, below, since + 1 if since else 0)

    return patch.object(FakeWarehouse, "facts", facts)


@mutant
def repetitions_are_facts() -> AbstractContextManager[Any]:
    """The mistake: the table keeps one row per id."""
    real = event_parts

    def parts(prefix: bytes, row: FactRow) -> tuple[bytes, ...]:
        return real(prefix, msgspec.structs.replace(row, is_deleted=0, data=row.data or b"{}"))

    return patch.object(planning, "event_parts", parts)


def _place(row: FactRow) -> tuple[Any, ...]:
    return row.org_id, row.session_id, row.place


@mutant
def nothing_is_pinned() -> AbstractContextManager[Any]:
    """The mistake: the most recently used session is never evicted anyway."""
    return patch.object(StateCache, "pin", lambda _self, _keys: None)


@mutant
def retry_that_folds_again() -> AbstractContextManager[Any]:
    """The mistake: retry the whole batch from the start."""
    real_plan, real_write = Planner.plan, Pipeline._write
    made_of: dict[int, tuple[Plan, Sequence[LogRecord]]] = {}

    def plan(self: Planner, records: Sequence[LogRecord]) -> Plan:
        made = real_plan(self, records)
        made_of[id(made)] = (made, records)
        return made

    async def write(self: Pipeline, made: Plan, records: int, fold_s: float) -> None:
        while True:
            try:
                return await real_write(self, made, records, fold_s)
            except StoreUnavailable:
                again = partial(self._planner.plan, made_of[id(made)][1])
                made = await self.ask_store(again)

    async def step(self: Pipeline, _name: str, call: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writing, call)

    return _all(
        patch.object(Planner, "plan", plan),
        patch.object(Pipeline, "_write", write),
        patch.object(Pipeline, "_step", step),
    )


@mutant
def a_started_hour_that_moves() -> AbstractContextManager[Any]:
    """The mistake: the create knows best when the session started."""
    real = fold.LIFECYCLE["session_created"]

    def created(state: Any, fact: Any) -> None:
        real(state, fact)
        state.started_at = fact.received_at if fact.started_at is None else fact.started_at

    return patch.dict(fold.LIFECYCLE, {"session_created": created})


@mutant
def partitions_of_others_are_spoken_of() -> AbstractContextManager[Any]:
    """A real bug that the model check found: a take-over continued, and reported progress, after another rebalance."""

    async def stand_at(self: Pipeline, partition: int, offset: int) -> None:
        await self.drain()
        self._folded[partition] = self.written[partition] = offset

    return patch.object(Pipeline, "_note_projected", stand_at)


@mutant
def a_watchdog_that_any_batch_calms() -> AbstractContextManager[Any]:
    """The mistake: as long as something is projected, the projector is not stuck."""
    real = Watchdog._waited

    def waited(self: Watchdog, *args: Any) -> Any:
        return msgspec.structs.replace(real(self, *args), waited_s=0.0)

    return patch.object(Watchdog, "_waited", waited)


@contextmanager
def _all(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield
