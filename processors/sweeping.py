"""Sweeps: removes from the tables what is erased, so that no byte of it is left on the store's disk.

An erasure hides its rows at once, and leaves them where they are: a delete reads and writes whole parts of a table, so
it is made once for many erasures: a day after the first one, or on request. The steps, each of which may be repeated:

1. delete the rows
2. write their parts anew without them
3. wait until the store has removed the old parts
4. note up to which erasures everything is swept
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import structlog

from processors.warehouse import ClickHouseWarehouse
from schemas.store.rows import SWEPT_AFTER_S

OWNER = 0  # the projector of this partition sweeps the tables of all
LOOK_EVERY_S = 1.0
OLD_PARTS_WITHIN_S = 1_800.0  # they live for 480 s; then a thread of the store removes them
logger = structlog.get_logger()
OnProgress = Callable[[float, str], None]  # the share that is done, and the current step


class SweepFailed(Exception):
    """The store does not remove what it has deleted; the message says what to look at."""


class Swept(NamedTuple):
    """How many sessions still had rows, and how many of the store's old parts were waited for.

    ``records`` of the log were replaced by stubs; None: the log belongs to another process.
    """

    sessions: int
    parts: int
    records: int | None = None


class Sweeper:
    """Sweeps one generation, on request; `generations.certifying` asks it by itself a day after an erasure."""

    def __init__(
        self,
        warehouse: ClickHouseWarehouse,
        written: Mapping[int, int],
        rewrite_log: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        """``written`` has the partitions that are ours now. ``rewrite_log`` puts stubs in a log that is ours."""
        self._warehouse, self._written, self._rewrite_log = warehouse, written, rewrite_log
        self.rewrites_log = rewrite_log is not None
        self.turn = asyncio.Lock()  # also taken by a check that looks into the store: a sweep in progress would show

    async def sweep(self, report: OnProgress) -> Swept:
        """Remove what is erased. Raises `StoreUnavailable`, `LogUnavailable` or `SweepFailed`."""
        async with self.turn:
            # First: what is erased from now on is left to the next sweep.
            below = await asyncio.to_thread(self._warehouse.erased_below)
            records = await self._rewrite_log() if self._rewrite_log else None
            swept = await self._sweep_tables(report)
            await asyncio.to_thread(self._warehouse.note_swept, below)
        swept = swept._replace(records=records)
        logger.info("swept", **swept._asdict())
        return swept

    async def sweep_if_due(self) -> None:
        """Sweep if something has been erased for a day, or is to be swept at once. Raises the same as `sweep`."""
        if OWNER in self._written:
            unswept = await asyncio.to_thread(self._warehouse.unswept)
            if unswept.at_once or unswept.seconds > SWEPT_AFTER_S:
                await self.sweep(lambda _share, _text: None)

    async def _sweep_tables(self, report: OnProgress) -> Swept:
        report(0.0, "looks for rows of erased sessions")
        sessions = await asyncio.to_thread(self._warehouse.delete_erased)
        await self._deleted(lambda: report(0.1, f"deletes the rows of {sessions:,} sessions"))
        await asyncio.to_thread(self._warehouse.delete_empty_tasks)
        await self._deleted(lambda: report(0.2, "deletes empty rows"))
        await asyncio.to_thread(self._warehouse.apply_deletes)
        await self._deleted(lambda: report(0.3, "writes parts without the deleted rows"))
        parts = await asyncio.to_thread(self._warehouse.old_parts)
        await self._gone(parts, report)
        return Swept(sessions, len(parts))

    async def _deleted(self, tell: Callable[[], None]) -> None:
        """Return once the store has done all deletes. Raises `SweepFailed` if one fails."""
        while unfinished := await asyncio.to_thread(self._warehouse.unfinished):
            for table, reason in unfinished:
                if reason:
                    raise SweepFailed(f"the store can't delete rows of {table}: {reason}")
            tell()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _gone(self, parts: frozenset[tuple[str, str]], report: OnProgress) -> None:
        """Return once these parts are not on the disk any more. Raises `SweepFailed` if they stay."""
        waited_s = 0.0
        while left := parts & await asyncio.to_thread(self._warehouse.old_parts):
            if waited_s > OLD_PARTS_WITHIN_S:
                old = ".".join(min(left))
                raise SweepFailed(f"the store keeps {len(left)} old parts, such as {old}: see system.parts")
            report(0.5 + 0.5 * (1 - len(left) / len(parts)), f"waits for {len(left)} old parts, for about 10 minutes")
            await asyncio.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
