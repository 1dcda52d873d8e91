"""The pipeline: a batch from the log is folded into one plan, written in five steps, and only then acknowledged.

The writes, in this order, and what a crash after each leaves behind:

1. `facts`, `dead_letters`  — the batch comes again with equal keys; of two rows the first write in log order wins
2. `sessions`, `tasks`      — equal or older versions come again; the highest is read, equal version = equal content
3. `compactions`, `analyses` — for each that a fact of this batch asks for, from the facts up to that fact, read back
   after write 1; read again at the same position they give the same row
4. `rollup_hourly`, then `rollup_daily` — a bucket is replaced whole; its version orders what it has seen
5. `receipts`               — the receipts; then the runner acknowledges, in offset order

Every fault replays a suffix of this list and every step is idempotent. The writes of one batch run beside the fold of
the next; nothing is ever folded out of order, folded again for a retry, or written from anything but the plan.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Literal, TypeVar

import structlog

from kernel.broken import Broken
from kernel.fail_points import fail_point
from processors.availability import Outside
from processors.derivations.run import derive, portions
from processors.derivations.session_facts import Wanted
from processors.plan import Plan, Planner, first_offsets
from processors.state_cache import StateCache
from processors.warehouse import Rows, SessionKey, Warehouse
from schemas.log.position import LogReader, LogRecord, LogUnavailable
from store.errors import StoreUnavailable

T = TypeVar("T")
RETRY_FIRST_S, RETRY_MAX_S = 0.1, 5.0
HOLE_BYTES = 8 << 20
PIECE_BYTES_MAX = 64 << 20
SESSIONS_ASKED_MAX = 10_000  # beyond it everything behind a hole is projected again
SLOW_BATCH_S = 5.0  # a batch that takes longer keeps the records of every partition waiting

logger = structlog.get_logger()
Written = asyncio.Future[None]
Stretch = tuple[int, int]  # offsets [start, stop)
Stretches = Sequence[Stretch]
# takes: what arrives is projected at once; busy: it waits for a slow batch, a hole or a repair; away: for store or log;
# joining: nothing arrives, as the partitions are being given out anew
Pace = Literal["takes", "busy", "away", "joining"]


class Pipeline:
    """Projects batches, one after the other. All methods are called from one event loop."""

    def __init__(self, warehouse: Warehouse, reader: LogReader, planner: Planner, cache: StateCache) -> None:
        self._warehouse, self._reader, self._planner, self._cache = warehouse, reader, planner, cache
        self._folding = ThreadPoolExecutor(1, "fold")
        self._writing = ThreadPoolExecutor(2, "write")
        self._turn = asyncio.Lock()
        self._folded: dict[int, int] = {}  # per partition: the next offset to fold
        self._last: Written | None = None
        self._clock = time.monotonic
        self._written_at = float("-inf")  # when the last batch was
        self._mending = self._joining = False
        self.store_state, self.log_state = Outside(), Outside()
        self.assigned: set[int] = set()
        self._released: set[int] = set()  # were ours, and are somebody else's now
        self.written: dict[int, int] = {}  # per partition of ours: everything below it is in the tables
        self.on_written: Callable[[Plan], Awaitable[None]] | None = None
        self.alive: Callable[[], None] = lambda: None  # called on every sign of life, for the watchdog
        self.on_batch: Callable[[Plan, int], None] = lambda _plan, _records: None  # these two for the metrics
        self.on_step: Callable[[str, float], None] = lambda _step, _seconds: None

    async def project(self, records: Sequence[LogRecord]) -> Written:
        """Fold a batch and begin to write it.

        Returns once it is folded and the batch before it is written; the future is done when this one is, too. Only
        then may its records be acknowledged.

        Raises:
            Broken: stop; nothing after this batch may be projected.
        """
        async with self._turn:
            for piece in pieces(records):
                for partition, offset in first_offsets(piece).items():
                    if self._folded.get(partition) != offset:
                        await self._resume(partition, offset)
                await self._fold(piece)
            return self._last or _done()

    async def resume(self, partition: int, offset: int) -> None:
        """Take over a partition whose next record will be ``offset``: all below it must have been projected.

        Nothing is done where a record has arrived in the meantime: that made the same check.
        """
        async with self._turn:
            if partition not in self._folded:
                await self._resume(partition, offset)

    def assign(self, partitions: Iterable[int]) -> None:
        """These partitions are ours from now on; the first record of each is checked like one after a jump."""
        self._joining = False
        for partition in partitions:
            self.assigned.add(partition)
            self._released.discard(partition)
            self._folded.pop(partition, None)

    def release(self, partitions: Iterable[int]) -> None:
        """These partitions are somebody else's now: say nothing more of their progress, whatever of them goes on."""
        self._joining = True
        for partition in partitions:
            self.assigned.discard(partition)
            self._released.add(partition)
            self.written.pop(partition, None)

    def parts(self) -> dict[str, bool]:
        """What it depends on, and whether that answers. May be called from any thread."""
        return {"log": self.log_state.is_up, "store": self.store_state.is_up}

    def pace(self) -> Pace:
        """Whether records that arrive now are projected soon. May be called from any thread."""
        if not all(self.parts().values()):
            return "away"
        if self._joining:
            return "joining"
        is_writing = self._last is not None and not self._last.done()
        is_slow = self._clock() - self._written_at > SLOW_BATCH_S
        return "busy" if self._mending or (is_slow and (is_writing or self._turn.locked())) else "takes"

    async def drain(self) -> None:
        """Wait until everything that was folded is written. Who is cancelled here leaves the write under way alone."""
        if self._last is not None:
            await asyncio.shield(self._last)

    async def ask_log(self, read: Callable[[], Awaitable[T]]) -> T:
        """Wait for the log as long as it takes; ``read`` raises `LogUnavailable` while it is away."""
        pause = RETRY_FIRST_S
        try:
            while True:
                try:
                    return await read()
                except LogUnavailable as error:
                    logger.warning("log_unavailable", error=str(error), retry_s=pause)
                    self.log_state.failed(read)
                    self.alive()
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY_MAX_S)
        finally:
            self.log_state.ended(read)

    async def _resume(self, partition: int, offset: int) -> None:
        with self._at_mending():
            await self.drain()
            self._cache.drop(partition)
            await self._retry(self._folding, lambda: self._planner.remember(partition))
            await self._fill_holes(partition, offset)

    @contextmanager
    def _at_mending(self) -> Iterator[None]:
        """Tell `pace` that no partition moves meanwhile, except the one that is taken over or mended."""
        self._mending = True
        try:
            yield
        finally:
            self._mending = False

    async def fill_holes(self) -> int:
        """Look for positions without a receipt below what is projected, and fill them; how many there were.

        The same is done when a partition is assigned. Here it serves a running projector whose store lost something.
        """
        filled = 0
        for partition in sorted(self.written):
            async with self._turn:
                if partition in self.written:
                    with self._at_mending():
                        await self.drain()
                        filled += await self._fill_holes(partition, self._folded[partition])
        return filled

    async def project_again(self, partition: int, sessions: Sequence[SessionKey]) -> None:
        """Throw away what is derived of some sessions of a partition of ours, and project their records again."""
        async with self._turn:
            if partition not in self.written:
                return
            with self._at_mending():
                await self.drain()
                below = self._folded[partition]
                self._cache.drop(partition)
                await self._retry(self._folding, lambda: self._warehouse.forget_sessions(sessions))
                for start, stop in await self._records_of(partition, sessions, 0, below):
                    await self._replay(partition, start, stop)
                await self._stand_at(partition, below)

    async def _fill_holes(self, partition: int, below: int) -> int:
        """Project what is missing below ``below``, out of the log itself and in order; how many positions that were.

        A state that lacks a fact is wrong from there on, so every later record of the sessions that are met in a hole
        is projected again, with equal keys: of two rows with one version the one written last is read.
        """
        holes = await self._retry(self._folding, lambda: self._warehouse.holes(partition, below))
        if holes:
            logger.warning("records_missing", partition=partition, first=holes[0][0], below=below, holes=len(holes))
            self._cache.drop(partition)
        met: set[SessionKey] = set()
        for (start, stop), (after, _) in pairwise([*holes, (below, below)]):
            met |= await self._replay(partition, start, stop)
            for first, end in await self._again(partition, met, stop, after):
                await self._replay(partition, first, end)
        await self._stand_at(partition, below)
        return sum(stop - start for start, stop in holes)

    async def _again(self, partition: int, met: set[SessionKey], start: int, stop: int) -> Stretches:
        """What of ``[start, stop)`` has to be projected again."""
        if start == stop or not met:
            return []
        if len(met) > SESSIONS_ASKED_MAX:
            return [(start, stop)]
        return await self._records_of(partition, sorted(met), start, stop)

    async def _records_of(self, partition: int, sessions: Sequence[SessionKey], start: int, stop: int) -> Stretches:
        ask = partial(self._warehouse.offsets_of, partition, sessions, start, stop)
        return runs(await self._retry(self._folding, ask))

    async def _stand_at(self, partition: int, offset: int) -> None:
        """Everything below ``offset`` is projected, whatever was read again meanwhile."""
        await self.drain()
        self._folded[partition] = offset
        if partition not in self._released:
            self.written[partition] = offset

    async def _replay(self, partition: int, start: int, stop: int) -> set[SessionKey]:
        """Project a stretch of the log; the sessions that are in it."""
        met: set[SessionKey] = set()
        while start < stop:
            records = await self._read(partition, start, stop)
            plan = await self._fold(records)
            met.update(plan.pinned)
            start = records[-1].offset + 1
        return met

    async def _fold(self, records: Sequence[LogRecord]) -> Plan:
        begun = time.monotonic()
        plan = await self._retry(self._folding, lambda: self._planner.plan(records))
        folded_s = time.monotonic() - begun
        self.on_step("fold", folded_s)
        self._folded.update(plan.next_offsets)
        await self.drain()
        self._last = asyncio.ensure_future(self._write(plan, len(records), folded_s))
        return plan

    async def _read(self, partition: int, start: int, stop: int) -> Sequence[LogRecord]:
        records = await self.ask_log(lambda: self._reader.read(partition, start, stop, HOLE_BYTES))
        if not records or records[0].offset != start:
            raise Broken(
                f"the log no longer holds offset {start} of partition {partition}, which was never projected: "
                "restore the log, or provision a new generation from what is left"
            )
        return records

    async def _write(self, plan: Plan, records: int, fold_s: float) -> None:
        begun = time.monotonic()
        fail_point("projector.folded")
        await asyncio.gather(self._insert("facts", plan.facts), self._insert("dead_letters", plan.dead_letters))
        fail_point("projector.wrote_facts")
        self._cache.stored(plan.pinned)
        await asyncio.gather(self._insert("sessions", plan.sessions), self._insert("tasks", plan.tasks))
        fail_point("projector.wrote_sessions")
        await self._derive(plan.wanted)
        fail_point("projector.wrote_derivations")
        if plan.hours:
            await self._step("rollups", lambda: self._warehouse.refresh_rollups(plan.hours))
        fail_point("projector.wrote_rollups")
        await self._insert("receipts", plan.receipts)
        fail_point("projector.wrote_receipts")
        self.written.update({p: offset for p, offset in plan.next_offsets.items() if p in self.written})
        self._written_at = self._clock()
        write_s = time.monotonic() - begun
        logger.info("batch", records=records, facts=plan.fact_count, fold_s=round(fold_s, 3), write_s=round(write_s, 3))
        self.on_batch(plan, records)
        if self.on_written is not None:
            await self.on_written(plan)

    async def _derive(self, wanted: Sequence[Wanted]) -> None:
        for some in portions(wanted):
            derived = await self._step("derivations", partial(derive, self._warehouse, some))
            await asyncio.gather(
                self._insert("compactions", derived.compactions), self._insert("analyses", derived.analyses)
            )

    async def _insert(self, table: str, rows: Rows) -> None:
        if rows:
            await self._step(table, lambda: self._warehouse.insert(table, rows))

    async def _step(self, step: str, call: Callable[[], T]) -> T:
        begun = time.monotonic()
        result = await self._retry(self._writing, call)
        self.on_step(step, time.monotonic() - begun)
        return result

    async def _retry(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        """Wait for the store as long as it takes: what is not read from the log meanwhile is back-pressure."""
        pause = RETRY_FIRST_S
        try:
            while True:
                try:
                    result = await asyncio.get_running_loop().run_in_executor(threads, call)
                except StoreUnavailable as error:
                    logger.warning("store_unavailable", error=str(error), retry_s=pause)
                    self.store_state.failed(call)
                    self.alive()
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY_MAX_S)
                else:
                    self.alive()
                    return result
        finally:
            self.store_state.ended(call)


def pieces(records: Sequence[LogRecord]) -> Iterator[Sequence[LogRecord]]:
    """Cut a batch before every jump, so that in each piece a partition is one run of consecutive offsets.

    It is cut as well where a piece would grow beyond what one plan may hold in memory.
    """
    expected: dict[int, int] = {}
    start, size = 0, 0
    for i, record in enumerate(records):
        size += len(record.value or b"")
        if expected.get(record.partition, record.offset) != record.offset or (size > PIECE_BYTES_MAX and i > start):
            yield records[start:i]
            start, size, expected = i, len(record.value or b""), {}
        expected[record.partition] = record.offset + 1
    if start < len(records):
        yield records[start:]


def runs(offsets: Iterable[int]) -> Stretches:
    """Rising offsets as stretches ``[start, stop)`` of consecutive ones."""
    found: list[Stretch] = []
    for offset in offsets:
        if found and found[-1][1] == offset:
            found[-1] = (found[-1][0], offset + 1)
        else:
            found.append((offset, offset + 1))
    return found


def _done() -> Written:
    future: Written = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
