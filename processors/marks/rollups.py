"""Rollups: a projection of `sessions` and `amounts` that follows them at its own pace, with a mark for each partition.

A mark says: the rollups hold every session of this partition as of this offset, or newer. A refresh first notes how far
the partitions are written. It computes each quarter of an hour that is behind as a whole, then the days from their
quarters. Only then does it move the marks to what it noted. After a crash, the next refresh repeats what is unfinished.
A late worker writes a bucket or a mark with a lower version, which readers never see.

The batches show which quarters are behind. After a rebalance this is unknown: one pass over narrow columns of both
tables finds everything beyond the mark. While a generation is filling nothing is refreshed: at its end the same pass
finds all of it, and the rollups are made once.

Refreshes take about a fifth of the machine, however many buckets change and however many workers share the log. So the
pause after a refresh is (`ROUND` x workers - 1) x the fastest recent refresh, at most `PAUSE_S_MAX`. The fastest shared
the machine least, so it shows best what a refresh costs.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

import structlog

from processors.flow.availability import PatientCalls
from processors.rowbinary import encode_rows
from processors.warehouse import Bucket, RollupMark, Warehouse
from schemas.store.rows import RollupProgressRow
from store.fail_points import fail_point

logger = structlog.get_logger()
ROUND, PAUSE_S_MAX = 5.0, 5.0
LATEST = 5  # refreshes
LOOK_EVERY_S = 1.0
BEHIND_MAX = 100_000  # buckets; beyond it they are searched instead
PAGE = 20_000  # buckets


def pause_s(took_s: float, workers: float) -> float:
    """Return how long to wait after a refresh that costs ``took_s``, so that all workers take a fifth of the time."""
    return min(PAUSE_S_MAX, (ROUND * workers - 1) * took_s)


class Target(NamedTuple):
    """A partition is written up to ``offset``, which includes everything accepted before ``complete_ms``."""

    offset: int
    complete_ms: int


class Rollups:
    """The rollups of one worker. All methods are called from one event loop."""

    def __init__(
        self,
        warehouse: Warehouse,
        calls: PatientCalls,
        worker_count: Callable[[], float],
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_written`` is called each time the marks in the store have moved to higher offsets."""
        self._warehouse, self._calls, self._worker_count = warehouse, calls, worker_count
        self._on_written = on_written
        self._marks: dict[int, RollupMark] = {}  # also of partitions that are another worker's now: they stay true
        self._behind: set[Bucket] = set()
        self._unknown: set[int] = set()  # partitions with buckets that are behind, but not in `_behind`
        self._moved = asyncio.Event()

    def take_over(self, partition: int, mark: RollupMark) -> None:
        """Begin with a partition, or again after a jump, with the mark of the store.

        It may be lower than ours if the store was restored from an older copy, its rollups included.
        """
        self._marks[partition] = mark

    def search_at_next_refresh(self, partition: int) -> None:
        """Note that a partition is written beyond our batches: the sessions beyond its mark have to be searched for."""
        self._unknown.add(partition)
        self._moved.set()

    def begins_below_mark(self, first: Mapping[int, int]) -> bool:
        """Return whether a batch with these first offsets holds records below a mark.

        Such records are projected again because tables lost rows. A crash after their receipts would leave the mark
        above what the rollups hold, so the batch makes its own rollups, before its receipts.
        """
        return any(offset < self._mark(partition).rolled_up for partition, offset in first.items())

    def caught_up(self) -> None:
        """Note that a partition has reached the log's end for the first time: this may complete the filling."""
        self._moved.set()

    def note_changed(self, buckets: Iterable[Bucket]) -> None:
        """Note the buckets that a batch changed, before the batch counts as written."""
        if not self._marks.keys() <= self._unknown:  # else all of them are searched anyway
            self._behind.update(buckets)
        if len(self._behind) > BEHIND_MAX:
            self._behind.clear()
            self._unknown.update(self._marks)
        self._moved.set()

    def rolled_up(self, partition: int) -> int:
        """Return the mark of a partition. May be called from any thread."""
        return self._mark(partition).rolled_up

    async def run(self, written: Callable[[], Mapping[int, Target]]) -> None:
        """Follow what is ``written`` until cancelled."""
        took_s: deque[float] = deque(maxlen=LATEST)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), LOOK_EVERY_S)
            self._moved.clear()
            if due := self.due(written()):
                began = time.monotonic()
                await self.refresh(due)
                took_s.append(time.monotonic() - began)
                await asyncio.sleep(pause_s(min(took_s), self._worker_count()))

    def due(self, written: Mapping[int, Target]) -> dict[int, Target]:
        """Return the partitions that are beyond their mark; none while one of them has yet to reach the log's end."""
        if any(not target.complete_ms and not self._mark(p).complete_ms for p, target in written.items()):
            return {}
        return {p: target for p, target in written.items() if target.offset > self._mark(p).rolled_up}

    async def keep_moments(self, reported: Mapping[int, Target], projected: Mapping[int, int]) -> None:
        """Write into the marks what `progress` has ``reported``, before it says that more is ``projected``.

        While the rollups of a partition hold all that is projected, readers use the moment of `progress`, and the mark
        is not written again. Once more is projected, readers use the moment of the mark. Without this call, that would
        be the moment of the last refresh: as old as the pause between two records. `progress` must not report more
        before this succeeds.
        """
        marks = {p: (self._mark(p), target) for p, target in reported.items()}
        moved = {
            p: RollupMark(mark.rolled_up, target.complete_ms)
            for p, (mark, target) in marks.items()
            if target.offset <= mark.rolled_up < projected.get(p, 0) and mark.complete_ms < target.complete_ms
        }
        if moved:
            await asyncio.to_thread(self._insert, moved)  # a refresh may keep the thread of the rollups busy for long
            self._note(moved)

    async def refresh(self, targets: Mapping[int, Target]) -> None:
        """Bring the rollups up to these targets, and move the marks there."""
        if not targets:
            return
        begun = time.monotonic()
        behind, self._behind = self._behind, set()
        searched = self._unknown & targets.keys()
        self._unknown -= searched
        await self.compute_beyond({partition: self._mark(partition).rolled_up for partition in searched})
        if behind:
            await self._compute(behind)
        fail_point("projector.refreshed_rollups")
        await self._move({p: self._reached(p, target) for p, target in targets.items()})
        logger.info("rollups", searched=len(searched), buckets=len(behind), took_s=round(time.monotonic() - begun, 3))

    async def compute_beyond(self, marks: Mapping[int, int]) -> None:
        """Compute the buckets that changed beyond these offsets, page by page; ``marks`` are by partition."""
        after: Bucket = ("", 0)
        while marks:
            read = partial(self._warehouse.changed_buckets, marks, after, PAGE)
            page = await self._calls.in_rollup_thread("search", read)
            if not page:
                return
            await self._compute(page)
            after = page[-1]

    async def _compute(self, buckets: Iterable[Bucket]) -> None:
        await self._calls.in_rollup_thread("rollups", lambda: self._warehouse.refresh_rollups(buckets))

    def _reached(self, partition: int, target: Target) -> RollupMark:
        # Right after a restart, a target has no time.
        return RollupMark(target.offset, max(target.complete_ms, self._mark(partition).complete_ms))

    async def _move(self, reached: Mapping[int, RollupMark]) -> None:
        await self._calls.in_rollup_thread("rollup_progress", lambda: self._insert(reached))
        self._note(reached)
        self._on_written()
        fail_point("projector.moved_rollup_marks")

    def _insert(self, marks: Mapping[int, RollupMark]) -> None:
        rows = encode_rows(RollupProgressRow(partition, *mark) for partition, mark in marks.items())
        self._warehouse.insert("rollup_progress", rows)

    def _note(self, marks: Mapping[int, RollupMark]) -> None:
        for partition, mark in marks.items():
            self._marks[partition] = max(mark, self._mark(partition))

    def _mark(self, partition: int) -> RollupMark:
        return self._marks.get(partition, RollupMark())
