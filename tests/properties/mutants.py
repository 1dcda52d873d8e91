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
from faust.types import ConsumerMessage

from processors import pipeline
from processors import plan as planning
from processors.flow.availability import PatientCalls
from processors.fold import fold
from processors.fold.amounts import BUCKET_MS
from processors.marks import dense_receipts
from processors.marks.dense_receipts import DenseReceipts
from processors.marks.rollups import Rollups, Target
from processors.pipeline import Pipeline, _done
from processors.plan import Plan, Planner
from processors.rowbinary import event_parts
from processors.runners.watchdog import Watchdog
from processors.state_cache import StateCache
from processors.warehouse import Bucket, RollupMark, SessionKey, day_of
from schemas.log.position import LogRecord
from schemas.store.rows import QUARTER_S, FactRow
from store.errors import StoreUnavailable
from tests.support.agent_facts import SESSIONS
from tests.support.fakes import warehouse as warehouses
from tests.support.fakes.faust import FakeConsumer
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.oracles.model import World
from tests.support.oracles.model_worker import PARTITIONS

Targets = Mapping[int, Target]
Marks = dict[int, RollupMark]
Patch = Callable[[], AbstractContextManager[Any]]
MUTANTS: dict[str, Patch] = {}


def mutant(make: Patch) -> Patch:
    """Register a mutant under its function's name, written as words."""
    MUTANTS[make.__name__.replace("_", " ")] = make
    return make


def mistaken(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Register a function as a mutant that replaces ``owner.name``; its first argument is the real function."""

    def register(mistake: Callable[..., Any]) -> None:
        real = getattr(owner, name)

        def call(*args: Any, **named: Any) -> Any:
            return mistake(real, *args, **named)

        MUTANTS[mistake.__name__.replace("_", " ")] = lambda: patch.object(owner, name, call)

    return register


# ------------------------------------------------------------------ the four writes


@mistaken(Pipeline, "project")
async def acknowledge_before_the_writes(real: Any, self: Pipeline, records: Sequence[LogRecord]) -> Any:
    """The mistake: a folded record is as good as written."""
    await real(self, records)
    return _done()


@mutant
def acknowledge_before_the_receipts() -> AbstractContextManager[Any]:
    """The mistake: receipts are only for the audit."""
    real = Pipeline._insert
    running: list[Any] = []

    async def insert(self: Pipeline, table: str, rows: Any) -> None:
        writing = asyncio.ensure_future(real(self, table, rows))
        running.append(writing)
        if table != "receipts":
            await writing

    return patch.object(Pipeline, "_insert", insert)


@mistaken(Pipeline, "_write")
async def receipts_before_the_rest(real: Any, self: Pipeline, plan: Plan, records: int, fold_s: float) -> None:
    """The mistake: receipts are the smallest, so they come first."""
    await self._insert("receipts", plan.receipts)
    await real(self, plan, records, fold_s)


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
    real_write, real_step = Pipeline._write, PatientCalls.in_write_threads

    async def write(self: Pipeline, plan: Plan, records: int, fold_s: float) -> None:
        store: Any = getattr(self._warehouse, "_store", self._warehouse)  # a clean pass has no gate before it
        keys = [(row.org_id, row.session_id, row.place) for row in store.decode("facts", plan.facts)]
        repeated[id(self.calls)] = all(key in store.tables["facts"] for key in keys)
        await real_write(self, plan, records, fold_s)

    async def step(self: PatientCalls, name: str, call: Any) -> Any:
        if name == skipped and repeated[id(self)]:
            return b"", b""
        return await real_step(self, name, call)

    return _all(patch.object(Pipeline, "_write", write), patch.object(PatientCalls, "in_write_threads", step))


# ------------------------------------------------------------------ Faust, and rebalances


@mistaken(StateCache, "drop")
def cache_kept_over_a_rebalance(_real: Any, _self: StateCache, _partition: int) -> None:
    """The mistake: the cache was right when the partition was last assigned."""


@mistaken(FakeConsumer, "deliver")
async def acknowledged_when_delivered(real: Any, self: FakeConsumer, messages: Sequence[ConsumerMessage]) -> None:
    """The mistake: a record that waits for its batch is done."""
    await real(self, messages)
    for message in messages:
        self.ack(message)


@mistaken(Pipeline, "_note_projected")
async def partitions_of_others_are_spoken_of(_real: Any, self: Pipeline, partition: int, offset: int) -> None:
    """A real bug that the model check found: a take-over continued, and reported progress, after another rebalance."""
    await self.drain()
    self._next_to_fold[partition] = self.written[partition] = offset


@mistaken(Watchdog, "_waited")
def a_watchdog_that_any_batch_calms(real: Any, self: Watchdog, *args: Any) -> Any:
    """The mistake: as long as something is projected, the projector is not stuck."""
    return msgspec.structs.replace(real(self, *args), waited_s=0.0)


# ------------------------------------------------------------------ rollups


@mutant
def rollup_version_by_clock() -> AbstractContextManager[Any]:
    """The mistake: the later write is the better one."""
    clock = count(1)
    return _rollup_version(lambda _row: next(clock))


@mutant
def rollup_version_by_count() -> AbstractContextManager[Any]:
    """The mistake: the writer that saw more sessions knows more."""
    return _rollup_version(lambda row: row.sessions)


def _rollup_version(version_of: Callable[[Any], int]) -> AbstractContextManager[Any]:
    real = FakeWarehouse.put

    def put(self: FakeWarehouse, table: str, rows: Any) -> None:
        if table == "rollups":
            rows = [msgspec.structs.replace(row, version=version_of(row)) for row in rows]
        real(self, table, rows)

    return _all(patch.object(FakeWarehouse, "put", put), patch.object(World, "versions_are_sums", False))


@mistaken(FakeWarehouse, "refreshing")
def rollup_content_and_version_from_two_readings(_real: Any, self: FakeWarehouse, quarters: Any) -> Iterator[None]:
    """The mistake: two subqueries over one table see the same rows."""
    touched = sorted(set(quarters))
    days = sorted(set(map(day_of, touched)))
    for read, buckets in ((self.read_quarters, touched), (self.read_days, days)):
        contents = read(buckets)
        yield
        versions = {(row.org_id, row.bucket): row.version for row in read(buckets)}
        yield
        self.put("rollups", [_with_version(row, versions) for row in contents])
        yield


def _with_version(row: Any, versions: dict[Bucket, int]) -> Any:
    return msgspec.structs.replace(row, version=versions.get((row.org_id, row.bucket), row.version))


@mistaken(Rollups, "refresh")
async def marks_of_rollups_moved_before_the_refresh(real: Any, self: Rollups, targets: Targets) -> None:
    """The mistake: the refresh starts now, so it is as good as done."""
    await self._move({p: self._reached(p, target) for p, target in targets.items()})
    await real(self, targets)


@mistaken(Rollups, "_move")
async def marks_of_rollups_taken_after_the_refresh(real: Any, self: Rollups, reached: Marks) -> None:
    """The mistake: everything written by now was read by the refresh."""
    pipeline: Pipeline = self._worker_count.__self__  # type: ignore[attr-defined]  # it is one of its methods
    await real(self, {p: RollupMark(pipeline.written.get(p, mark.rolled_up), 1) for p, mark in reached.items()})


@mistaken(Rollups, "_move")
async def one_mark_of_rollups_for_all_partitions(real: Any, self: Rollups, reached: Marks) -> None:
    """The mistake: all partitions are refreshed together, so they have the same mark."""
    await real(self, dict.fromkeys(reached, max(reached.values())))


@mistaken(Rollups, "note_changed")
def an_older_bucket_of_a_batch_forgotten(real: Any, self: Rollups, buckets: Sequence[Bucket]) -> None:
    """The mistake: events of a batch belong to the current quarter of an hour."""
    real(self, dict(sorted(buckets)).items())


@mutant
def amounts_of_the_latest_time_alone() -> AbstractContextManager[Any]:
    """The mistake: a batch adds to the current quarter of an hour."""
    real = planning.amounts_rows  # type: ignore[attr-defined]  # it is imported there

    def latest(state: Any, prices: Any, repo: Any, moved: Any) -> Any:
        return real(state, prices, repo, sorted(moved)[-1:])

    return patch.object(planning, "amounts_rows", latest)


@mistaken(planning, "_derived")
def rollups_of_the_start_alone(real: Any, states: Any, prices: Any, *floors: Any) -> Any:
    """The mistake: a rollup is made of the sessions that started in it."""
    states = list(states)
    starts = {(state.org_id, state.started_at // BUCKET_MS * QUARTER_S) for state in states}
    derived = real(states, prices, *floors)
    return derived._replace(buckets=[bucket for bucket in derived.buckets if bucket in starts])


@mistaken(Rollups, "_move")
async def buckets_that_change_during_a_refresh_forgotten(real: Any, self: Rollups, reached: Marks) -> None:
    """The mistake: after a refresh, nothing is behind."""
    await real(self, reached)
    self._behind.clear()


@mistaken(Rollups, "search_at_next_refresh")
def rollups_not_searched_after_a_take_over(_real: Any, _self: Rollups, _partition: int) -> None:
    """The mistake: the previous worker refreshed everything that it wrote."""


@mutant
def rollups_searched_before_holes_are_filled() -> AbstractContextManager[Any]:
    """The mistake: taking a partition over is a single moment, at which everything can be noted."""
    real = Rollups.take_over

    def take_over(self: Rollups, partition: int, mark: RollupMark) -> None:
        real(self, partition, mark)
        self._unknown.add(partition)

    return _all(
        patch.object(Rollups, "take_over", take_over),
        patch.object(Rollups, "search_at_next_refresh", lambda _self, _partition: None),
    )


# ------------------------------------------------------------------ receipts without gaps


@mistaken(Pipeline, "_fill_holes")
async def no_density_check(_real: Any, self: Pipeline, partition: int, _since: int, below: int) -> int:
    """The mistake: Kafka loses nothing."""
    await self._note_projected(partition, below)
    return 0


@mistaken(Pipeline, "_fill_holes")
async def dense_mark_moved_before_holes_are_filled(
    real: Any, self: Pipeline, partition: int, since: int, below: int
) -> Any:
    """The mistake: the gaps are about to be filled, so the mark may move first."""
    await self.dense_receipts.move(partition, since, below, self.calls.in_fold_thread)
    return await real(self, partition, since, below)


@mistaken(DenseReceipts, "look_and_move")
async def dense_mark_moved_without_a_look(
    _real: Any, self: DenseReceipts, partition: int, since: int, below: int, ask: Any
) -> bool:
    """The mistake: everything that was written has its receipt."""
    await self.move(partition, since, below, ask)
    return True


@mistaken(dense_receipts, "believed")
def dense_mark_believed_beyond_the_last_receipt(_real: Any, mark: Any) -> Any:
    """The mistake: a store that has the mark has everything below it."""
    return mark.below


@mistaken(DenseReceipts, "move")
async def one_dense_mark_for_all_partitions(
    real: Any, self: DenseReceipts, _partition: int, since: int, below: int, ask: Any
) -> None:
    """The mistake: one check covers the whole log."""
    for one in range(PARTITIONS):
        await real(self, one, since, below, ask)


@mistaken(Pipeline, "fill_holes")
async def a_repair_that_looks_from_the_mark_on(_real: Any, self: Pipeline) -> int:
    """The mistake: a repair is like one more assignment."""
    filled = 0
    for partition in sorted(self.written):
        async with self._fold_lock, self._while_repairing():
            since = await self.dense_receipts.since(partition, self.calls.in_fold_thread)
            filled += await self._fill_holes(partition, since, self._next_to_fold[partition])
    return filled


@mistaken(Pipeline, "project")
async def jumps_are_not_noticed(_real: Any, self: Pipeline, records: Sequence[LogRecord]) -> Any:
    """The mistake: checking at each assignment is enough."""
    async with self._fold_lock:
        await self.fold_and_begin_write(records)
        return self._last_write or _done()


# ------------------------------------------------------------------ erasures


@mistaken(Planner, "load_partition")
def erasures_forgotten_at_a_take_over(real: Any, self: Planner, partition: int) -> None:
    """The mistake: what is erased was loaded when it was erased."""
    with patch.object(Planner, "load_erased", lambda *_: None):
        real(self, partition)


@mistaken(Planner, "_is_erased")
def late_records_of_what_is_erased_count(_real: Any, _self: Planner, _partition: int, _record: Any) -> bool:
    """The mistake: nothing follows an erasure."""
    return False


@mistaken(Planner, "_is_erased")
def an_erased_org_may_begin_again(real: Any, self: Planner, partition: int, record: Any) -> bool:
    """The mistake: the sessions of an org are those that it had."""
    with patch.object(planning, "NO_ID", SESSIONS[0]):
        return bool(real(self, partition, record))


@mutant
def an_erasure_that_is_not_alone() -> AbstractContextManager[Any]:
    """The mistake: an erasure is a record like others, so a batch need not be cut at it."""

    def erasure_in(self: Planner, records: Sequence[LogRecord]) -> Any:
        decoded = (real(self, [record]) for record in records)
        return next((erasure for erasure in decoded if erasure), None)

    real = Planner.erasure_in
    uncut = patch.object(pipeline, "pieces", lambda records, _: pieces_at_jumps(records))
    return _all(uncut, patch.object(Planner, "erasure_in", erasure_in))


def pieces_at_jumps(records: Sequence[LogRecord]) -> Iterator[Sequence[LogRecord]]:
    """Cut a batch before every jump alone."""
    with patch.object(planning, "is_erasure", lambda *_: False):
        yield from list(planning.pieces(records, PARTITIONS))


@mistaken(Pipeline, "_erase")
async def an_erasure_beside_the_batch_before_it(real: Any, self: Pipeline, at: LogRecord, record: Any) -> None:
    """The mistake: every row that will ever be there is there."""

    async def at_once(_self: Pipeline) -> None: ...

    with patch.object(Pipeline, "drain", at_once):
        await real(self, at, record)


@mistaken(Pipeline, "_project_piece")
async def the_receipt_of_an_erasure_before_it(real: Any, self: Pipeline, piece: Sequence[LogRecord]) -> Any:
    """The mistake: an erasure that has its receipt will be finished."""
    made = await self.fold_and_begin_write(piece)
    if (erasure := self._planner.erasure_in(piece)) is not None:
        await self.drain()
        await self._erase(piece[0], erasure)
    return made


@mistaken(Pipeline, "_project_run")
async def an_erasure_in_a_hole_that_is_ignored(_real: Any, self: Pipeline, records: Sequence[LogRecord]) -> Any:
    """The mistake: what was erased before its receipt was lost is still erased."""
    return (await self.fold_and_begin_write(records)).pinned


@mistaken(Rollups, "compute_beyond")
async def rollups_of_an_erasure_left_to_the_next_refresh(real: Any, self: Rollups, marks: Mapping[int, int]) -> None:
    """The mistake: the rollups follow anyway."""
    if all(offset == self._mark(partition).rolled_up for partition, offset in marks.items()):
        await real(self, marks)


@mutant
def empty_rows_with_the_version_of_what_they_replace() -> AbstractContextManager[Any]:
    """The mistake: the row that is written last is the one that is read."""
    real = warehouses.empty_row
    return patch.object(warehouses, "empty_row", lambda row, version: real(row, min(row.version, version)))


# ------------------------------------------------------------------ states, and their cache


@mistaken(Planner, "_load_some")
def reload_that_sees_facts_of_the_batch_and_beyond(real: Any, self: Planner, keys: Any, _below: int) -> Any:
    """The mistake: everything known about a session belongs to its state."""
    return real(self, keys, 1 << 60)


@mistaken(Pipeline, "_write")
async def eviction_before_write_1(real: Any, self: Pipeline, plan: Plan, records: int, fold_s: float) -> None:
    """The mistake: a folded session may be evicted."""
    self._cache.unpin_at_next_evict(plan.pinned)
    with patch.object(self._cache, "unpin_at_next_evict", lambda _keys: None):
        await real(self, plan, records, fold_s)


@mistaken(FakeWarehouse, "kept_state")
def kept_state_from_beyond_the_batch(real: Any, self: FakeWarehouse, of: int, session: SessionKey, _below: int) -> Any:
    """The mistake: the latest saved state is the best one, even for records that are projected again."""
    return real(self, of, session, 1 << 60)


@mistaken(FakeWarehouse, "facts")
def kept_state_without_the_next_record(
    real: Any, self: FakeWarehouse, sessions: Sequence[SessionKey], below: int, since: int = 0
) -> Any:
    """The mistake: the version of a state is the offset of its last record."""
    return real(self, sessions, below, since + 1 if since else 0)


@mutant
def repetitions_are_facts() -> AbstractContextManager[Any]:
    """The mistake: the table keeps one row per id."""

    def parts(prefix: bytes, row: FactRow) -> tuple[bytes, ...]:
        return event_parts(prefix, msgspec.structs.replace(row, is_deleted=0, data=row.data or b"{}"))

    return patch.object(planning, "event_parts", parts)


@mistaken(StateCache, "pin")
def nothing_is_pinned(_real: Any, _self: StateCache, _keys: Any) -> None:
    """The mistake: the most recently used session is never evicted anyway."""


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
                made = await self.calls.in_fold_thread(again)

    async def step(self: PatientCalls, _name: str, call: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._write_threads, call)

    return _all(
        patch.object(Planner, "plan", plan),
        patch.object(Pipeline, "_write", write),
        patch.object(PatientCalls, "in_write_threads", step),
    )


@mutant
def a_started_hour_that_moves() -> AbstractContextManager[Any]:
    """The mistake: the create knows best when the session started."""
    real = fold.LIFECYCLE["session_created"]

    def created(state: Any, fact: Any) -> None:
        real(state, fact)
        state.started_at = fact.received_at if fact.started_at is None else fact.started_at

    return patch.dict(fold.LIFECYCLE, {"session_created": created})


@contextmanager
def _all(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield
