"""The pipeline: a batch from the log is folded into one plan, written in four steps, and only then acknowledged.

The writes, in this order, and what a crash after each leaves behind:

1. `facts`, `dead_letters`  — the batch comes again with equal keys (places in the log) and equal rows
2. `sessions`, `tasks`, `session_states` — equal or older versions come again; the highest is read, equal version =
   equal content
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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal, TypeVar

import structlog

from processors.derivations.run import batches, derive_rows
from processors.derivations.session_facts import DerivationRequest
from processors.flow.availability import Availability
from processors.flow.gate import Gate
from processors.flow.observer import Observer
from processors.flow.pacer import Pacer
from processors.marks.dense_receipts import DenseReceipts
from processors.marks.gaps import Gaps
from processors.marks.rollups import Rollups
from processors.plan import Plan, Planner, first_offsets, pieces
from processors.state_cache import StateCache
from processors.warehouse import Rows, SessionKey, Warehouse
from schemas.log.position import LogReader, LogRecord, LogUnavailable
from store.errors import StoreUnavailable
from store.fail_points import fail_point

T = TypeVar("T")
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
        self._observer = observer
        self._gaps = Gaps(warehouse, reader, cache, self)
        self.gate, self._pacer = Gate(), pacer or Pacer()
        self._folding = ThreadPoolExecutor(1, "fold")
        self._writing = ThreadPoolExecutor(2, "write")
        self._rolling_up = ThreadPoolExecutor(1, "rollups")
        self.rollups = Rollups(warehouse, self)
        self.dense_receipts = DenseReceipts(warehouse, self)
        self._turn = asyncio.Lock()
        self._folded: dict[int, int] = {}  # per partition: the next offset to fold
        self._last: Written | None = None
        self._clock = time.monotonic
        self._written_at = float("-inf")  # when the last batch was written
        self._repairing = self._joining = False
        self.is_live = False  # whether readers use the generation, as far as is known; only metrics show it
        self.store_state = Availability(StoreUnavailable, "store_unavailable")
        self.log_state = Availability(LogUnavailable, "log_unavailable")
        self.assigned: set[int] = set()
        self._released: set[int] = set()  # given up to another worker
        self.written: dict[int, int] = {}  # per assigned partition: everything below it is in the tables

    async def may_begin(self, is_full: Awaitable[object]) -> None:
        """Return once a batch may begin, or ``is_full`` is done. Raises `Broken`: nothing more may be projected."""
        await self._pacer.may_begin(is_full, self.drain())

    async def project(self, records: Sequence[LogRecord]) -> Written:
        """Fold a batch and begin to write it.

        Returns once it is folded and the batch before it is written. The future is done when this batch is written,
        too; only then may its records be acknowledged. Raises `Broken`: nothing after this batch may be projected.
        """
        for part in self.gate.parts(records):
            await self.gate.passed(self._observer.alive)
            async with self._turn:
                for piece in pieces(part):
                    await self._project(piece)
        return self._last or _done()

    async def _project(self, piece: Sequence[LogRecord]) -> None:
        for partition, offset in first_offsets(piece).items():
            if self._folded.get(partition) != offset:
                await self._resume(partition, offset)
        plan = await self.fold(piece)
        self.gate.spent(plan.fact_count, len(piece))

    async def fold(self, records: Sequence[LogRecord]) -> Plan:
        """Fold records, and begin to write them once the batch before is written."""
        begun = time.monotonic()
        plan = await self.ask_store(lambda: self._planner.plan(records))
        folded_s = time.monotonic() - begun
        self._observer.step_done("fold", folded_s)
        self._folded.update(plan.next_offsets)
        await self.drain()
        self._last = asyncio.ensure_future(self._write(plan, len(records), folded_s))
        return plan

    async def _write(self, plan: Plan, records: int, fold_s: float) -> None:
        begun = time.monotonic()
        is_repeated = self.rollups.begins_below(plan.first_offsets)
        fail_point("projector.folded")
        await asyncio.gather(self._insert("facts", plan.facts), self._insert("dead_letters", plan.dead_letters))
        fail_point("projector.wrote_facts")
        self._cache.stored(plan.pinned)
        await asyncio.gather(
            self._insert("sessions", plan.sessions),
            self._insert("tasks", plan.tasks),
            self._insert("session_states", plan.states),
        )
        fail_point("projector.wrote_sessions")
        await self._derive(plan.derivations)
        fail_point("projector.wrote_derivations")
        if is_repeated and plan.hours:
            await self._step("rollups", lambda: self._warehouse.refresh_rollups(plan.hours))
        await self._insert("receipts", plan.receipts)
        fail_point("projector.wrote_receipts")
        self.rollups.changed([] if is_repeated else plan.hours)
        self.written.update({p: offset for p, offset in plan.next_offsets.items() if p in self.written})
        self._written_at = self._clock()
        write_s = time.monotonic() - begun
        logger.info("batch", records=records, facts=plan.fact_count, fold_s=round(fold_s, 3), write_s=round(write_s, 3))
        self._pacer.ended(plan.fact_count, fold_s + write_s, self.workers())
        self._observer.batch_written(plan, records)

    async def _derive(self, requests: Sequence[DerivationRequest]) -> None:
        for some in batches(requests):
            derived = await self._step("derivations", partial(derive_rows, self._warehouse, some))
            await asyncio.gather(
                self._insert("compactions", derived.compactions), self._insert("analyses", derived.analyses)
            )

    async def _insert(self, table: str, rows: Rows) -> None:
        if rows:
            await self._step(table, lambda: self._warehouse.insert(table, rows))

    async def _step(self, step: str, call: Callable[[], T]) -> T:
        begun = time.monotonic()
        result = await self._call(self._writing, call)
        self._observer.step_done(step, time.monotonic() - begun)
        return result

    async def roll_up(self, step: str, call: Callable[[], T]) -> T:
        """Call the store in the thread of the rollups until it answers. For the watchdog, only batches are progress."""
        begun, loop = time.monotonic(), asyncio.get_running_loop()
        result = await self.store_state.ask(lambda: loop.run_in_executor(self._rolling_up, call), lambda: None)
        self._observer.step_done(step, time.monotonic() - begun)
        return result

    async def ask_store(self, call: Callable[[], T]) -> T:
        """Call the store in the thread of the fold, and repeat the call while the store is away."""
        return await self._call(self._folding, call)

    async def ask_log(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read the log, and repeat ``read`` as long as it raises `LogUnavailable`."""
        return await self.log_state.ask(read, self._observer.alive)

    async def _call(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        result = await self.store_state.ask(lambda: loop.run_in_executor(threads, call), self._observer.alive)
        self._observer.alive()
        return result

    async def drain(self) -> None:
        """Wait until everything that was folded is written. Cancelling the caller does not cancel the write."""
        if self._last is not None:
            await asyncio.shield(self._last)

    def close(self) -> None:
        """End the threads once projection has stopped; a call in progress ends by itself."""
        for threads in (self._folding, self._writing, self._rolling_up):
            threads.shutdown(wait=False, cancel_futures=True)

    async def resume(self, partition: int, offset: int) -> None:
        """Take over a partition whose next record will be ``offset``: all below it must have been projected.

        Does nothing if a record has arrived in the meantime: its arrival made the same check.
        """
        async with self._turn:
            if partition not in self._folded:
                await self._resume(partition, offset)

    async def fill_holes(self) -> int:
        """Fill the positions without a receipt below what is projected; return how many there were.

        This is for a store that lost rows, so it looks at every position, even below the marks. When a partition is
        assigned, the same happens from its mark on.
        """
        filled = 0
        for partition in sorted(self.written):
            async with self._turn:
                if partition in self.written:
                    async with self._while_repairing():
                        filled += await self._fill_holes(partition, 0, self._folded[partition])
        return filled

    async def project_again(self, partition: int, sessions: Sequence[SessionKey]) -> None:
        """Delete what is derived from some sessions of an assigned partition, and project their records again."""
        async with self._turn:
            if partition not in self.written:
                return
            async with self._while_repairing():
                below = self._folded[partition]
                await self._gaps.project_again(partition, sessions, below)
                await self._note_projected(partition, below)

    async def _resume(self, partition: int, offset: int) -> None:
        async with self._while_repairing():
            self._cache.drop(partition)
            await self.ask_store(lambda: self._planner.remember(partition))
            self.rollups.take_over(partition, await self.ask_store(lambda: self._warehouse.rollup_mark(partition)))
            await self._fill_holes(partition, await self.dense_receipts.since(partition), offset)

    async def _fill_holes(self, partition: int, since: int, below: int) -> int:
        filled = await self._gaps.fill_holes(partition, since, below)
        await self._note_projected(partition, below)
        if filled:
            await self.dense_receipts.look(partition, since, below)
        else:
            await self.dense_receipts.found_dense(partition, since, below)
        return filled

    async def _note_projected(self, partition: int, offset: int) -> None:
        """Note that everything below ``offset`` is projected, even if older records were folded last."""
        await self.drain()
        self._folded[partition] = offset
        self.rollups.search(partition)
        if partition not in self._released:
            self.written[partition] = offset

    @asynccontextmanager
    async def _while_repairing(self) -> AsyncIterator[None]:
        """Drain, and let `pace` say that no partition moves, except the one that is taken over or repaired."""
        self._repairing = True
        try:
            await self.drain()
            yield
        finally:
            self._repairing = False

    def assign(self, partitions: Iterable[int]) -> None:
        """Follow these partitions from now on; the first record of each is checked like one after a jump."""
        self._joining = False
        for partition in partitions:
            self.assigned.add(partition)
            self._released.discard(partition)
            self._folded.pop(partition, None)

    def release(self, partitions: Iterable[int]) -> None:
        """Leave these partitions to another worker: report no more of their progress, even if a write still runs."""
        self._joining = True
        for partition in partitions:
            self.assigned.discard(partition)
            self._released.add(partition)
            self.written.pop(partition, None)

    def workers(self) -> float:
        """Return how many workers there would be if each had as many partitions as this one."""
        return self._planner.partitions / (len(self.assigned) or self._planner.partitions)

    def parts(self) -> dict[str, bool]:
        """Return what the pipeline depends on, and whether that answers. May be called from any thread."""
        return {"log": self.log_state.is_up, "store": self.store_state.is_up}

    def pace(self) -> Pace:
        """Return whether records that arrive now are projected soon. May be called from any thread."""
        if not all(self.parts().values()):
            return "away"
        if self._joining:
            return "joining"
        is_writing = self._last is not None and not self._last.done()
        is_slow = self._clock() - self._written_at > SLOW_BATCH_S
        if self._repairing or self.gate.is_closed:
            return "busy"
        return "busy" if is_slow and (is_writing or self._turn.locked()) else "takes"


def _done() -> Written:
    future: Written = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
