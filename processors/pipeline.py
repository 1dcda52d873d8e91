"""The pipeline: a batch from the log is folded into one plan, written in four steps, and only then acknowledged.

The writes, in this order, and what a crash after each leaves behind:

1. `facts`, `dead_letters`  — the batch comes again with equal keys (places in the log) and equal rows
2. `sessions`, `amounts`, `tasks`, `session_states` — equal or older versions come again; the highest is read, equal
   version = equal content
3. `compactions`, `analyses` — one for each fact of this batch that requests one, from the facts up to that fact, read
   back after write 1; reading again at the same position gives the same row
4. `receipts`               — the receipts; then the runner acknowledges, in offset order

After a fault, a suffix of this list is repeated, and every step is idempotent. The writes of one batch run while the
next is folded. Nothing is folded out of order, folded again for a retry, or written from anything but the plan. The
rollups follow `sessions` at their own pace (see `processors.marks.rollups`). Only a batch of records that are projected
again below their mark writes its own rollups, before step 4.

`StoreUnavailable` and `LogUnavailable` are waited out, as long as it takes. The records stay in the log meanwhile: that
is the back-pressure. A record that is `Undecodable` becomes a dead letter. Every other error stops the process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Literal

import structlog

from processors.derivations.run import batches, derive_rows
from processors.derivations.session_facts import DerivationRequest
from processors.flow.availability import PatientCalls
from processors.flow.gate import Gate
from processors.flow.observer import Observer
from processors.flow.pacer import Pacer
from processors.marks.dense_receipts import DenseReceipts
from processors.marks.gaps import Gaps, Released
from processors.marks.rollups import Rollups
from processors.plan import Plan, Planner, Settled, first_offsets, pieces
from processors.projections.states import no_state
from processors.rowbinary import encode_rows
from processors.state_cache import StateCache
from processors.warehouse import Rows, SessionKey, Warehouse
from schemas.log.position import LogReader, LogRecord
from schemas.log.records import PositionsErased, RecordsErased
from store.fail_points import fail_point

SLOW_BATCH_S = 5.0  # a batch that takes longer delays the records of every partition

logger = structlog.get_logger()
Written = asyncio.Future[None]
# takes: what arrives is projected at once; busy: it waits for a slow batch, a hole, a repair, or the gate (a pause, a
# rate limit); away: it waits for the store or the log;
# joining: nothing arrives, since the consumer group is assigning its partitions
Pace = Literal["takes", "busy", "away", "joining"]


class Pipeline:
    """Projects batches, one after the other. All methods are called from one event loop."""

    def __init__(
        self,
        warehouse: Warehouse,
        reader: LogReader,
        planner: Planner,
        cache: StateCache,
        observer: Observer,
        pacer: Pacer | None = None,
    ) -> None:
        self._warehouse, self._planner, self._cache = warehouse, planner, cache
        self._observer, self.calls = observer, PatientCalls(observer)
        self.gate, self._pacer = Gate(), pacer or Pacer()
        self.rollups = Rollups(warehouse, self.calls, self.worker_count, observer.marks_written)
        self.dense_receipts = DenseReceipts(warehouse, self.calls)
        self._released: set[int] = set()  # partitions given up to another worker
        steps = self._project_run, self._begin_at, self._released.__contains__
        self._gaps = Gaps(warehouse, reader, cache, self.calls, *steps)
        self._fold_lock = asyncio.Lock()  # held while a batch is folded, or a partition is taken over or repaired
        self._last_write: Written | None = None
        self._last_write_ended_at = float("-inf")
        self._clock = time.monotonic
        self._is_repairing = self._is_rebalancing = False
        self.is_live = False  # whether readers use the generation, as far as is known; only metrics show it
        self.assigned: set[int] = set()
        self._next_to_fold: dict[int, int] = {}  # offsets, by partition
        self.written: dict[int, int] = {}  # per assigned partition: everything below it is in the tables

    async def wait_to_begin(self, is_full: Awaitable[object]) -> None:
        """Return once a batch may begin, or ``is_full`` is done. Raises `Broken`: nothing more may be projected."""
        await self._pacer.wait_to_begin(is_full, self.drain())

    async def project(self, records: Sequence[LogRecord]) -> Written:
        """Fold a batch and begin to write it.

        Returns once it is folded and the batch before it is written. The future is done when this batch is written,
        too; only then may its records be acknowledged. Raises `Broken`: nothing after this batch may be projected.
        """
        for part in self.gate.cut(records):
            await self.gate.wait_until_open(self._observer.alive)
            async with self._fold_lock:
                for piece in pieces(part, self._planner.partitions):
                    await self._project(piece)
        return self._last_write or _done()

    async def _project(self, piece: Sequence[LogRecord]) -> None:
        for partition, offset in first_offsets(piece).items():
            if self._next_to_fold.get(partition) != offset and not await self._take_over(partition, offset):
                piece = [record for record in piece if record.partition != partition]
        if not piece:
            return
        plan = await self._project_piece(piece)
        self.gate.note_passed(plan.fact_count, len(piece))

    async def _project_piece(self, piece: Sequence[LogRecord]) -> Plan:
        erasure = self._planner.erasure_in(piece)
        if isinstance(erasure, PositionsErased):
            await self._erase_positions(piece[0], erasure)
        elif erasure is not None:
            await self._erase(piece[0], erasure)
        return await self.fold_and_begin_write(piece)

    async def _project_run(self, records: Sequence[LogRecord]) -> list[SessionKey]:
        """Project consecutive records of one partition; return their sessions."""
        sessions = list[SessionKey]()
        for piece in pieces(records, self._planner.partitions):
            plan = await self._project_piece(piece)
            sessions += (*plan.pinned, *self._planner.sessions_at(piece))
        return sessions

    async def _erase(self, at: LogRecord, record: RecordsErased) -> None:
        """Erase what this record says, before its receipt is written: a crash in between repeats all of it.

        Everything before the record must be written, since only rows that exist are replaced. The rollups follow here,
        so that the receipt means that nothing shows what is erased.
        """
        ask = self.calls.in_fold_thread
        async with self._while_repairing():
            await ask(lambda: self._warehouse.erase(at.partition, at.offset, record))
            fail_point("projector.erased")
            self._cache.drop(at.partition)
            await ask(lambda: self._planner.load_erased(at.partition))
            await self.rollups.compute_beyond({at.partition: at.offset})
            fail_point("projector.rolled_up_erasure")

    async def _erase_positions(self, at: LogRecord, record: PositionsErased) -> None:
        """Let the sessions of the records that this one erases go on as if they had never held them; as `_erase`."""
        ask, partition = self.calls.in_fold_thread, at.partition
        async with self._while_repairing():
            # Their receipts say which sessions they are of. A store that lost some of them gets them back first.
            met: set[SessionKey] = set()
            await self._gaps.fill_holes(partition, record.offsets[0], at.offset, met)
            await self._fold_again(partition, self._planner.floors(partition, met, at.offset), at.offset)
            await self.drain()
            await ask(lambda: self._warehouse.erase_positions(partition, at.offset, record))
            fail_point("projector.erased")
            self._cache.drop(partition)
            await ask(lambda: self._planner.load_erased(partition))
            concerned = self._planner.floors(partition, self._planner.sessions_at([at]), at.offset + 1)
            await self._fold_again(partition, concerned, at.offset)
            await self.rollups.compute_beyond({partition: at.offset})
            fail_point("projector.rolled_up_erasure")

    async def _fold_again(self, partition: int, floors: Mapping[SessionKey, int], below: int) -> None:
        """Fold sessions that lost some records again, from what is left of them below ``below``, and make their rows.

        Copies of what is erased may count now, so their facts are written again, too. Kept states are replaced first.
        """
        if floors:
            self._cache.drop(partition)
            states = encode_rows(no_state(partition, session, floor) for session, floor in floors.items())
            await self._insert("session_states", states)
            await self._gaps.project_records_of(partition, sorted(floors), below)
            await self._settle(partition, floors, below)

    async def _settle(self, partition: int, floors: Mapping[SessionKey, int], below: int) -> None:
        """Make the rows of sessions that lost some records, and hide what is not derived from anything any more."""
        await self.drain()
        settled = await self.calls.in_fold_thread(lambda: self._planner.settle(partition, floors, below))
        await self._write_settled(settled)
        for floor in {*floors.values()}:
            some = [session for session, one in floors.items() if one == floor]
            await self.calls.in_fold_thread(partial(self._warehouse.hide_older, partition, floor - 1, some))
        await self.calls.in_write_threads("rollups", lambda: self._warehouse.refresh_rollups(settled.buckets))

    async def _write_settled(self, settled: Settled) -> None:
        await asyncio.gather(
            self._insert("sessions", settled.sessions),
            self._insert("amounts", settled.amounts),
            self._insert("tasks", settled.tasks),
        )
        await self._write_derivations(settled.derivations)
        fail_point("projector.settled")

    async def fold_and_begin_write(self, records: Sequence[LogRecord]) -> Plan:
        """Fold records, and begin to write them once the batch before is written."""
        begun = time.monotonic()
        plan = await self.calls.in_fold_thread(lambda: self._planner.plan(records))
        folded_s = time.monotonic() - begun
        self._observer.step_done("fold", folded_s)
        self._next_to_fold.update(plan.next_offsets)
        await self.drain()
        self._last_write = asyncio.ensure_future(self._write(plan, len(records), folded_s))
        return plan

    async def _write(self, plan: Plan, records: int, fold_s: float) -> None:
        begun = time.monotonic()
        is_repeated = self.rollups.begins_below_mark(plan.first_offsets)
        fail_point("projector.folded")
        await asyncio.gather(self._insert("facts", plan.facts), self._insert("dead_letters", plan.dead_letters))
        fail_point("projector.wrote_facts")
        self._cache.unpin_at_next_evict(plan.pinned)
        await asyncio.gather(
            self._insert("sessions", plan.sessions),
            self._insert("amounts", plan.amounts),
            self._insert("tasks", plan.tasks),
            self._insert("session_states", plan.states),
        )
        fail_point("projector.wrote_sessions")
        await self._write_derivations(plan.derivations)
        fail_point("projector.wrote_derivations")
        if is_repeated and plan.buckets:
            await self.calls.in_write_threads("rollups", lambda: self._warehouse.refresh_rollups(plan.buckets))
        await self._insert("receipts", plan.receipts)
        fail_point("projector.wrote_receipts")
        self.rollups.note_changed([] if is_repeated else plan.buckets)
        self.written.update({p: offset for p, offset in plan.next_offsets.items() if p in self.written})
        self._last_write_ended_at = self._clock()
        write_s = time.monotonic() - begun
        logger.info("batch", records=records, facts=plan.fact_count, fold_s=round(fold_s, 3), write_s=round(write_s, 3))
        self._pacer.note_written(plan.fact_count, fold_s + write_s, self.worker_count())
        self._observer.batch_written(plan, records)

    async def _write_derivations(self, requests: Sequence[DerivationRequest]) -> None:
        for some in batches(requests):
            derive = partial(derive_rows, self._warehouse, some)
            compactions, analyses = await self.calls.in_write_threads("derivations", derive)
            await asyncio.gather(self._insert("compactions", compactions), self._insert("analyses", analyses))

    async def _insert(self, table: str, rows: Rows) -> None:
        if rows:
            await self.calls.in_write_threads(table, lambda: self._warehouse.insert(table, rows))

    async def drain(self) -> None:
        """Wait until everything that was folded is written. Cancelling the caller does not cancel the write."""
        if self._last_write is not None:
            await asyncio.shield(self._last_write)

    async def take_over(self, partition: int, offset: int) -> None:
        """Take over a partition whose next record will be ``offset``: all below it must have been projected.

        Does nothing if a record has arrived in the meantime: its arrival made the same check.
        """
        async with self._fold_lock:
            if partition not in self._next_to_fold and partition not in self._released:
                await self._take_over(partition, offset)

    async def fill_holes(self) -> int:
        """Fill the positions without a receipt below what is projected; return how many there were.

        This is for a store that lost rows, so it looks at every position, even below the marks. When a partition is
        assigned, the same happens from its mark on.
        """
        filled = 0
        for partition in sorted(self.written):
            async with self._fold_lock:
                if partition in self.written:
                    async with self._while_repairing():
                        with suppress(Released):
                            filled += await self._fill_holes(partition, 0, self._next_to_fold[partition])
        return filled

    async def project_again(self, partition: int, sessions: Sequence[SessionKey]) -> None:
        """Delete what is derived from some sessions of an assigned partition, and project their records again."""
        async with self._fold_lock:
            if partition not in self.written:
                return
            async with self._while_repairing():
                below = self._next_to_fold[partition]
                await self._gaps.project_again(partition, sessions, below)
                if floors := self._planner.floors(partition, sessions, below):
                    await self._settle(partition, floors, below)
                await self._note_projected(partition, below)

    async def _take_over(self, partition: int, offset: int) -> bool:
        """Return whether it was taken over: another worker may get it while a long history is projected."""
        ask = self.calls.in_fold_thread
        async with self._while_repairing():
            self._cache.drop(partition)
            await ask(lambda: self._planner.load_partition(partition))
            self.rollups.take_over(partition, await ask(lambda: self._warehouse.rollup_mark(partition)))
            try:
                await self._fill_holes(partition, await self.dense_receipts.since(partition, ask), offset)
            except Released:
                return False
        return True

    async def _fill_holes(self, partition: int, since: int, below: int) -> int:
        met: set[SessionKey] = set()
        filled = await self._gaps.fill_holes(partition, since, below, met)
        await self._fold_again(partition, self._planner.floors(partition, met, below), below)
        await self._note_projected(partition, below)
        # A partition without holes was looked at just now; one whose holes were filled is looked at again.
        move = self.dense_receipts.look_and_move if filled else self.dense_receipts.move
        await move(partition, since, below, self.calls.in_fold_thread)
        return filled

    def _begin_at(self, partition: int, offset: int) -> None:
        """Let progress, rollups and dense receipts follow from here on: what is missing may be a whole history."""
        if partition not in self._released:
            self.rollups.search_at_next_refresh(partition)  # else one would move the mark past what it did not search
            self.written.setdefault(partition, offset)

    async def _note_projected(self, partition: int, offset: int) -> None:
        """Note that everything below ``offset`` is projected, even if older records were folded last."""
        await self.drain()
        self._next_to_fold[partition] = offset
        self.rollups.search_at_next_refresh(partition)
        if partition not in self._released:
            self.written[partition] = offset

    @asynccontextmanager
    async def _while_repairing(self) -> AsyncIterator[None]:
        """Drain, and let `pace` say that no partition moves, except the one that is taken over or repaired."""
        was_repairing, self._is_repairing = self._is_repairing, True
        try:
            await self.drain()
            yield
        finally:
            self._is_repairing = was_repairing

    def assign(self, partitions: Iterable[int]) -> None:
        """Follow these partitions from now on; the first record of each is checked like one after a jump."""
        self._is_rebalancing = False
        for partition in partitions:
            self.assigned.add(partition)
            self._released.discard(partition)
            self._next_to_fold.pop(partition, None)

    def release(self, partitions: Iterable[int]) -> None:
        """Leave these partitions to another worker: report no more of their progress, even if a write still runs."""
        self._is_rebalancing = True
        for partition in partitions:
            self.assigned.discard(partition)
            self._released.add(partition)
            self.written.pop(partition, None)

    def worker_count(self) -> float:
        """Return how many workers there would be if each had as many partitions as this one."""
        return self._planner.partitions / (len(self.assigned) or self._planner.partitions)

    def pace(self) -> Pace:
        """Return whether records that arrive now are projected soon. May be called from any thread."""
        if not all(self.calls.answering().values()):
            return "away"
        if self._is_rebalancing:
            return "joining"
        is_writing = self._last_write is not None and not self._last_write.done()
        is_slow = self._clock() - self._last_write_ended_at > SLOW_BATCH_S
        if self._is_repairing or self.gate.is_closed:
            return "busy"
        return "busy" if is_slow and (is_writing or self._fold_lock.locked()) else "takes"


def _done() -> Written:
    future: Written = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
