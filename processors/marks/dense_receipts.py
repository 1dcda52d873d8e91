"""Dense receipts: a mark for each partition below which every position is known to have its receipt.

A worker that takes over a partition looks for holes from its mark on, so it need not read the whole history. The mark
moves only after a query has found a receipt at every position up to it. It never depends on what this process
remembers: that is what was written, not what the store still has. After a rebalance it moves once the holes are filled.
Then it moves at intervals, so that each look reads only what was written since the last one.

A mark beyond the last receipt means that the store lost its tail, or was restored from an older copy. The mark is then
deleted, and every position is looked at. If receipts below a mark are lost while later ones survive, the nightly audit
and `coverage` find out: they begin at the first position, as a repair does.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Protocol, TypeVar

import structlog

from processors.flow.availability import PatientCalls
from processors.rowbinary import encode_rows
from processors.warehouse import DenseMark, Warehouse
from schemas.store.rows import DenseReceiptsRow
from store.fail_points import fail_point

T = TypeVar("T")
LOOKED_AT_ONCE = 1 << 20  # positions: bounds the memory of a look, however long the history is
EVERY_RECORDS, EVERY_S = 1_000_000, 600.0
LOOK_EVERY_S = 10.0

logger = structlog.get_logger()
Stretch = tuple[int, int]  # offsets [start, stop)


class Ask(Protocol):
    """Calls the store until it answers."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


class DenseReceipts:
    """The marks of one worker. All methods are called from one event loop; ``ask`` chooses the thread of a call."""

    def __init__(self, warehouse: Warehouse, calls: PatientCalls, clock: Callable[[], float] = time.monotonic) -> None:
        self._warehouse, self._calls, self._clock = warehouse, calls, clock
        self._looked: dict[int, tuple[int, float]] = {}  # per partition: below which offset, and when

    async def since(self, partition: int, ask: Ask) -> int:
        """Return the offset from which to look for holes after a rebalance."""
        mark = await ask(lambda: self._warehouse.dense_mark(partition))
        since = believed(mark)
        if since != mark.below:
            logger.warning("receipts_lost", partition=partition, dense_below=mark.below, end=mark.end)
            await ask(lambda: self._warehouse.forget_dense_mark(partition))
        return since

    async def look_and_move(self, partition: int, since: int, below: int, ask: Ask) -> bool:
        """Look at ``[since, below)``, and move the mark there; return False if a receipt is missing.

        Everything below ``since`` must be known to be dense.
        """
        self._looked[partition] = below, self._clock()
        if lacking := await holes(ask, self._warehouse, partition, since, below):
            logger.error("receipts_missing", partition=partition, first=lacking[0][0], below=below, holes=len(lacking))
            return False
        await self.move(partition, since, below, ask)
        return True

    async def move(self, partition: int, since: int, below: int, ask: Ask) -> None:
        """Move the mark over ``[since, below)``, where a look has just found a receipt at each position."""
        self._looked[partition] = below, self._clock()
        if since < below:
            rows = encode_rows([DenseReceiptsRow(partition, below)])
            await ask(lambda: self._warehouse.insert("dense_receipts", rows))
            fail_point("projector.moved_dense_mark")

    async def run(self, written: Callable[[], Mapping[int, int]]) -> None:
        """Let the marks follow what is ``written`` until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for partition, below in self.due(written()).items():
                await self.follow(partition, below)

    def due(self, written: Mapping[int, int]) -> dict[int, int]:
        """Return the partitions with enough written since their last look, or whose last look was long ago."""
        now, due = self._clock(), dict[int, int]()
        for partition, below in written.items():
            looked, at = self._looked.get(partition, (0, float("-inf")))
            if below - looked >= EVERY_RECORDS or (below > looked and now - at >= EVERY_S):
                due[partition] = below
        return due

    async def follow(self, partition: int, below: int) -> bool:
        """Move the mark of a partition that is written up to ``below``, concurrently with the batches."""
        ask = partial(self._calls.in_rollup_thread, "dense_receipts")
        return await self.look_and_move(partition, await self.since(partition, ask), below, ask)


def believed(mark: DenseMark) -> int:
    """Return the offset of a mark; 0 if it is beyond the last receipt: the store has lost its tail."""
    return mark.below if mark.below <= mark.end else 0


async def holes(ask: Ask, warehouse: Warehouse, partition: int, start: int, stop: int) -> list[Stretch]:
    """Return the stretches of ``[start, stop)`` without a receipt. Each query covers a part of them."""
    found: list[Stretch] = []
    for part in parts(start, stop):
        found += await ask(partial(warehouse.holes, partition, *part))
    return joined(found)


def parts(start: int, stop: int) -> Iterator[Stretch]:
    """Yield ``[start, stop)`` in parts that a store can check in little memory."""
    for first in range(start, stop, LOOKED_AT_ONCE):
        yield first, min(first + LOOKED_AT_ONCE, stop)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return rising stretches, with adjacent ones joined."""
    found: list[Stretch] = []
    for start, stop in stretches:
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], stop
        else:
            found.append((start, stop))
    return found
