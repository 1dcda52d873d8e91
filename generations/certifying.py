"""Certifies erasures by itself: sweeps what was erased a day ago, then checks that nothing is left of it.

The result of each check is stored in the control database (`query_api.erasure.checks` reads it). A check reads each
copy of the log whole. So there is one after each sweep, and then one a day as long as something is left that goes by
time, such as records in a topic that a keeper has not trimmed yet. There is none while everything is certified.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec
import structlog

from generations.erasure_check import ErasureCheck
from generations.jobs.runner import OnProgress
from ingest.log.archive.refusals import Refused
from ingest.log.broken import BrokenLog
from ingest.log.tiered import Copy
from processors.projector import Projector
from processors.sweeping import OWNER, SweepFailed
from processors.warehouse import SweptMarks
from query_api.erasure.checks import LAST_CHECKS, ErasureCheckRow, Left
from schemas.log.position import LogReader, LogRecord, LogUnavailable
from store.errors import StoreUnavailable
from store.generations import Generation
from store.reading.question import NoParams
from store.reading.reader import Reader, answer_from_control

LOOK_EVERY_S = 60.0
AGAIN_AFTER_S = 86_400.0  # from a check that found something to the next one
RETRY_S = 3_600.0  # a check that failed may have read most of the log; a look without the store reads none of it
PIECE_BYTES = 256 << 10  # takes a few milliseconds to search, in which nothing is projected
PAUSE_S_MAX = 1.0
_EXPECTED = (StoreUnavailable, LogUnavailable, BrokenLog, Refused, SweepFailed)
logger = structlog.get_logger()


class Certifier:
    """Sweeps and checks one generation. One process does so: the projector of partition 0."""

    def __init__(self, projector: Projector, reader: Reader, generation: Generation, copies: Sequence[Copy]) -> None:
        """``copies`` are the places that have records of the log."""
        self._pipeline, self._warehouse, self._sweeper = projector.pipeline, projector.warehouse, projector.sweeper
        self._progress, self._reader, self._generation = projector.progress, reader, generation
        self._check = ErasureCheck(projector.warehouse, copies, generation.partitions)
        spread = [copy._replace(log=SpreadReads(copy.log)) for copy in copies]
        self._spread_check = ErasureCheck(projector.warehouse, spread, generation.partitions)
        self._not_before = 0.0
        self.seen: tuple[float, int] | None = None  # see `_see`; None: another process certifies, or has not looked yet

    async def check(self, report: OnProgress) -> Left:
        """Look for what is left, and store the result.

        Raises `StoreUnavailable`, `LogUnavailable`, and `BrokenLog` if a copy can't be read.
        """
        return await self._store_result_of(self._check, report)

    async def run(self) -> None:
        """Look every minute, until cancelled, whether something is due.

        What fails is tried again in an hour, or at the next look if only the store was away.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if OWNER not in self._pipeline.written:
                self.seen = None
            elif time.monotonic() >= self._not_before:
                try:
                    await self.look()
                except Exception as error:  # it must not end the projection
                    retry_s = LOOK_EVERY_S if isinstance(error, StoreUnavailable) else RETRY_S
                    self._not_before = time.monotonic() + retry_s
                    unexpected = not isinstance(error, _EXPECTED)
                    logger.warning("erasure_check_failed", error=str(error), retry_s=retry_s, exc_info=unexpected)

    async def look(self) -> None:
        """Sweep if that is due, then check if that is due. Raises the same as `Sweeper.sweep` and `check`.

        A generation that is being filled meets old erasures all the time, so it is checked once it has caught up.
        """
        await self._see()
        await self._sweeper.sweep_if_due()
        swept, last = await self._marks()
        if not is_check_due(swept, last) or any(lag.seconds is None for lag in self._progress.lags()):
            return
        if last is not None and last.began_us > swept.at_us and self._may_be_swept(last):
            await self._sweeper.sweep(_ignored)
        left = await self._store_result_of(self._spread_check, _ignored)
        logger.info("erasures_checked", nothing_left=left.is_nothing, **msgspec.to_builtins(left))
        await self._see()

    async def _see(self) -> None:
        """Note the age of the oldest erasure that is not certified (s), and `partitions_found_again`."""
        swept, last = await self._marks()
        clean_below = last.clean_below if last else []
        uncertified_s = await asyncio.to_thread(self._warehouse.uncertified_s, clean_below)
        self.seen = uncertified_s, len(partitions_found_again(swept, last)) if last else 0

    async def _marks(self) -> tuple[SweptMarks, ErasureCheckRow | None]:
        checks = await answer_from_control(self._reader, LAST_CHECKS, NoParams())
        last = next((check for check in checks if check.generation == self._generation.name), None)
        return await asyncio.to_thread(self._warehouse.swept), last

    def _may_be_swept(self, last: ErasureCheckRow) -> bool:
        """Return whether a sweep removes what the last check found."""
        return bool(last.left.tables or last.left.parts) or self._sweeper.rewrites_log

    async def _store_result_of(self, check: ErasureCheck, report: OnProgress) -> Left:
        async with self._sweeper.turn:
            swept = await asyncio.to_thread(self._warehouse.swept)
            stored = await check.in_store(report)
        left = await check.in_logs(stored, report)
        row = {
            "began_us": swept.now_us,
            "generation": self._generation.name,
            "clean_below": left.clean_below(swept.below, self._generation.partitions),
            "report": msgspec.json.encode(left).decode(),
        }
        await self._reader.control("generations.add_erasure_check", row)
        return left


def is_check_due(swept: SweptMarks, last: ErasureCheckRow | None) -> bool:
    """Return whether something is swept but not certified, and was not checked since, or not for a day."""
    if last is None:
        return bool(swept.below)
    if all(below <= last.clean_below[partition] for partition, below in swept.below.items()):
        return False
    return last.began_us < swept.at_us or swept.now_us - last.began_us > AGAIN_AFTER_S * 1e6


def partitions_found_again(swept: SweptMarks, last: ErasureCheckRow) -> set[int]:
    """Return where the last check found rows that a sweep before it had removed, or anything that had been certified.

    Records of a topic are no surprise before they were certified: they are there until a keeper trims them.
    """
    left = last.left
    was_swept = swept.below if last.began_us > swept.at_us else {}
    rows = {partition for partition, first in left.with_rows.items() if first < was_swept.get(partition, 0)}
    certified = dict(enumerate(last.certified_once))
    return rows | {partition for partition, first in left.erasures.items() if first < certified.get(partition, 0)}


class SpreadReads:
    """A log that is read in small pieces, half of the time, so that projection goes on meanwhile."""

    def __init__(self, log: LogReader) -> None:
        self._log, self.ends = log, log.ends
        self._began = time.monotonic()

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Pause for as long as reading and searching the last piece took, then read; see `LogReader.read`."""
        await asyncio.sleep(min(PAUSE_S_MAX, time.monotonic() - self._began))
        self._began = time.monotonic()
        return await self._log.read(partition, start, stop, min(bytes_max, PIECE_BYTES))


def _ignored(_share: float, _text: str) -> None: ...
