"""Reports how far the projection has come, and up to which time everything is in the tables."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import structlog

from processors.flow.observer import Observer
from processors.marks.rollups import Target
from processors.pipeline import Pipeline
from processors.plan import Plan
from processors.rowbinary import encode_rows
from processors.warehouse import Warehouse
from schemas.log.position import LogReader, LogUnavailable
from schemas.store.rows import ProgressRow
from store.errors import StoreUnavailable

logger = structlog.get_logger()
LOOK_EVERY_S = 1.0
_SIGHTINGS_MAX = 600


class PartitionLag(NamedTuple):
    """Records not yet projected, and seconds since the partition was last caught up (None: never seen so)."""

    partition: int
    records: int
    seconds: float | None


class PartitionPlace(NamedTuple):
    """An assigned partition: its next offset to project (None: not taken over yet), and the log's end."""

    partition: int
    offset: int | None
    end: int

    @property
    def records(self) -> int:
        return max(0, self.end - (self.offset or 0))

    @property
    def waits(self) -> bool:
        return self.records > 0


class Progress(Observer):
    """Reads the end of the log after each batch, and every second.

    Once everything before that end is projected, the tables are complete up to the time at which it was read.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        warehouse: Warehouse,
        reader: LogReader,
        now_ms: Callable[[], int],
        on_log_returned: Callable[[], Awaitable[None]] | None = None,
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_log_returned`` runs when the log answers again after an outage; what it raises ends `run`.

        ``on_written`` is called after each report.
        """
        self._on_written = on_written
        self._pipeline, self._warehouse, self._reader = pipeline, warehouse, reader
        self._now_ms, self._on_log_returned = now_ms, on_log_returned
        self._sightings: deque[tuple[int, Sequence[int]]] = deque(maxlen=_SIGHTINGS_MAX)
        self._complete: dict[int, int] = {}
        self._reported: dict[int, Target] = {}  # what is in `progress`, by partition
        self._moved = asyncio.Event()
        self._away = False  # the log
        self.ends: Sequence[int] = ()

    async def run(self) -> None:
        """Look after each batch, and every second, until cancelled.

        A store that hangs can hold up a report for minutes. The end of the log is still read meanwhile, so that the
        watchdog and the metrics see which records wait.
        """
        report: asyncio.Task[None] | None = None
        try:
            while True:
                self._moved.clear()
                await self._look_at_log()
                report = report or asyncio.create_task(self._report_written())
                done, _ = await asyncio.wait({report}, timeout=LOOK_EVERY_S)
                if done:
                    report.result()
                    report = None
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._moved.wait(), LOOK_EVERY_S)
        finally:
            if report is not None:
                report.cancel()

    def batch_written(self, plan: Plan, records: int) -> None:  # noqa: ARG002  # what it was does not matter
        """Look soon. Nothing waits for it."""
        self._moved.set()

    async def look(self) -> None:
        """Read the end of the log once, and write the progress that follows from it, or from earlier looks."""
        await self._look_at_log()
        await self._report_written()

    async def _look_at_log(self) -> None:
        seen_at = self._now_ms()
        try:
            ends = await self._reader.ends()
            self._pipeline.calls.log.ended(self)
            if self._away and self._on_log_returned is not None:
                await self._on_log_returned()
        except LogUnavailable as error:
            self._away = True
            self._pipeline.calls.log.failed(self)
            logger.warning("log_unavailable", error=str(error))
            return
        self._away, self.ends = False, ends
        # A sighting replaces the latest, unless that is a second later than the one before it.
        if len(self._sightings) > 1 and self._sightings[-1][0] - self._sightings[-2][0] < LOOK_EVERY_S * 1000:
            self._sightings.pop()
        self._sightings.append((seen_at, ends))

    def places(self) -> list[PartitionPlace]:
        """Return the place of each assigned partition, as of the last look. May be called from any thread."""
        ends, written = self.ends, self._pipeline.written.copy()
        ours = sorted(self._pipeline.assigned.copy() | written.keys()) if ends else []
        return [PartitionPlace(partition, written.get(partition), ends[partition]) for partition in ours]

    def lags(self) -> list[PartitionLag]:
        """Return how far each assigned partition is behind, as of the last look. May be called from any thread."""
        ends, now_ms, lags = self.ends, self._now_ms(), list[PartitionLag]()
        for partition, offset in sorted(self._pipeline.written.copy().items()):
            complete = self._complete.get(partition)
            seconds = None if complete is None else max(0, now_ms - complete) / 1000
            lags.append(PartitionLag(partition, max(0, ends[partition] - offset) if ends else 0, seconds))
        return lags

    def targets(self) -> dict[int, Target]:
        """Return up to where each assigned partition is written, as of the last report: the rollups follow that."""
        return {p: Target(offset, self._complete.get(p, 0)) for p, offset in self._pipeline.written.items()}

    async def _report_written(self) -> None:
        written = self._pipeline.written
        filling = [partition for partition in written if not self._complete.get(partition)]
        rows = [self._row(partition) for partition in written]
        if any(self._complete.get(partition) for partition in filling):
            self._pipeline.rollups.caught_up()
        # The sightings that every assigned partition has reached are no longer needed, except the latest.
        while len(self._sightings) > 1 and all(self._sightings[0][1][p] <= offset for p, offset in written.items()):
            self._sightings.popleft()
        try:
            if rows:
                projected = {row.log_partition: row.projected for row in rows}
                await self._pipeline.rollups.keep_moments(self._reported, projected)
                await asyncio.to_thread(self._warehouse.insert, "progress", encode_rows(rows))
                self._reported = {row.log_partition: Target(row.projected, row.complete_through) for row in rows}
                self._on_written()
            self._pipeline.calls.store.ended(self)  # even without rows: then nothing is sent again
        except StoreUnavailable as error:
            self._pipeline.calls.store.failed(self)
            logger.warning("store_unavailable", error=str(error))

    def _row(self, partition: int) -> ProgressRow:
        written = self._pipeline.written[partition]
        for seen_at, ends in self._sightings:
            if ends[partition] <= written:
                self._complete[partition] = max(seen_at, self._complete.get(partition, 0))
        end = self.ends[partition] if self.ends else written
        return ProgressRow(partition, written, max(end, written), self._complete.get(partition, 0))
