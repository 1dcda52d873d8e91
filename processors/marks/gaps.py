"""Projecting again: positions without a receipt, and the records of single sessions.

Records are read from the log itself, in order, and give rows with equal keys: of two rows with one version, readers get
the one written last. A state that lacks a fact is wrong from there on, so every later record of its session is
projected again, too. A fact that has counted may then turn out to repeat one in the hole; it is written again, as
deleted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

import structlog

from processors.flow.availability import PatientCalls
from processors.marks.dense_receipts import Stretch, holes, joined
from processors.plan import BATCH_BYTES_MAX
from processors.state_cache import StateCache
from processors.warehouse import SessionKey, Warehouse
from schemas.log.position import LogReader, LogRecord
from store.broken import Broken

READ_BYTES = 8 << 20  # at a time: a slow broker must answer within the limit of the reader
SESSIONS_ASKED_MAX = 10_000  # beyond it everything after a hole is projected again

logger = structlog.get_logger()
Stretches = Sequence[Stretch]


class Released(Exception):
    """Another worker has this partition now."""


class Gaps:
    """Projects stretches of one log again. Every batch that was folded before must be written."""

    def __init__(
        self,
        warehouse: Warehouse,
        reader: LogReader,
        cache: StateCache,
        calls: PatientCalls,
        project: Callable[[Sequence[LogRecord]], Awaitable[Sequence[SessionKey]]],
        begin: Callable[[int, int], None],
        is_released: Callable[[int], bool],
    ) -> None:
        """``project`` folds consecutive records and begins to write them; it returns their sessions.

        ``begin`` gets the partition and its first hole: everything below that is projected. ``is_released`` says
        whether another worker has the partition now.
        """
        self._warehouse, self._reader, self._cache, self._calls = warehouse, reader, cache, calls
        self._project_records, self._begin, self._is_released = project, begin, is_released

    async def fill_holes(self, partition: int, since: int, below: int, met: set[SessionKey]) -> int:
        """Project every position of ``[since, below)`` that has no receipt; return how many there were.

        ``met`` gets the sessions that occur in a hole, unless nothing comes after it.

        Every later record of the sessions that occur in a hole is projected again. A hole that reaches ``below`` may be
        a whole history, which is read from an archive: it is left as soon as another worker has the partition. Raises
        `Released` then.
        """
        found = await holes(self._calls.in_fold_thread, self._warehouse, partition, since, below)
        if found:
            logger.warning("records_missing", partition=partition, first=found[0][0], below=below, holes=len(found))
            self._cache.drop(partition)
            self._begin(partition, found[0][0])
        for (start, stop), (after, _) in pairwise([*found, (below, below)]):
            note = met.update if stop < below else partial(self._check_ours, partition)
            await self._project(partition, start, stop, note)
            if not met or stop == after:
                continue
            behind: Stretches = [(stop, after)]
            if len(met) <= SESSIONS_ASKED_MAX:
                behind = await self._records_of(partition, sorted(met), stop, after)
            for stretch in behind:
                await self._project(partition, *stretch)
        return sum(stop - start for start, stop in found)

    async def project_again(self, partition: int, sessions: Sequence[SessionKey], below: int) -> None:
        """Delete what is derived from some sessions, and project their records below ``below`` again."""
        self._cache.drop(partition)
        await self._calls.in_fold_thread(lambda: self._warehouse.forget_sessions(sessions))
        await self.project_records_of(partition, sessions, below)

    async def project_records_of(self, partition: int, sessions: Sequence[SessionKey], below: int) -> None:
        """Project the records of some sessions below ``below`` again."""
        for stretch in await self._records_of(partition, sessions, 0, below):
            await self._project(partition, *stretch)

    async def _records_of(self, partition: int, sessions: Sequence[SessionKey], start: int, stop: int) -> Stretches:
        ask = partial(self._warehouse.offsets_of, partition, sessions, start, stop)
        return runs(await self._calls.in_fold_thread(ask))

    async def _project(
        self, partition: int, start: int, stop: int, note: Callable[[Sequence[SessionKey]], None] = lambda _: None
    ) -> None:
        """Project a stretch of the log; ``note`` gets the sessions of each piece.

        While a piece is projected, the next one is read: in an archive, that takes about as long.
        """
        reading = asyncio.ensure_future(self._read(partition, start, stop))
        try:
            while start < stop:
                records = await reading
                start = records[-1].offset + 1
                reading = asyncio.ensure_future(self._read(partition, start, stop))
                note(await self._project_records(records))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _check_ours(self, partition: int, _sessions: object) -> None:
        if self._is_released(partition):
            raise Released(partition)

    async def _read(self, partition: int, start: int, stop: int) -> Sequence[LogRecord]:
        """Return about as many records as a runner puts in a batch: each batch costs the store the same."""
        records, size = list[LogRecord](), 0
        while start < stop and size < BATCH_BYTES_MAX:
            some = await self._calls.read_log(partial(self._reader.read, partition, start, stop, READ_BYTES))
            if not some or (some[0].partition, some[0].offset) != (partition, start):
                raise Broken(
                    f"the log no longer holds offset {start} of partition {partition}, which was never projected: "
                    "restore the log, or provision a new generation from what is left"
                )
            records += some
            size += sum(len(record.value or b"") for record in some)
            start = some[-1].offset + 1
        return records


def runs(offsets: Iterable[int]) -> Stretches:
    """Return rising offsets as stretches ``[start, stop)`` of consecutive ones."""
    return joined((offset, offset + 1) for offset in offsets)
