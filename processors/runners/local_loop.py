"""The runner of the embedded default: a plain loop over a log of one partition, in the process that serves.

It commits no offset: it starts at the first offset that has no receipt.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from processors.pipeline import Pipeline
from processors.plan import PIECE_BYTES_MAX
from processors.warehouse import Warehouse
from schemas.log.position import LogReader, LogRecord, LogUnavailable

logger = structlog.get_logger()

PARTITION = 0
# About as many bytes are read, so this is less than `PIECE_BYTES_MAX`: a little more would become two batches.
BATCH_RECORDS, BATCH_BYTES = 1_000, PIECE_BYTES_MAX - (4 << 20)
RETRY_S = 1.0
GATHER_S = 0.1  # between small batches: else each of a few requests would become a part in every table


class LocalLog(LogReader, Protocol):
    """A log in the same process, which can wait for more records."""

    async def wait_beyond(self, offset: int, timeout_s: float) -> None:
        """Return when the log's end is beyond ``offset``, or after ``timeout_s``."""
        ...


async def run_local(pipeline: Pipeline, warehouse: Warehouse, reader: LocalLog) -> None:
    """Project until cancelled.

    Raises:
        Broken: stop the process.
    """
    at = await first_missing(warehouse, reader)
    await pipeline.resume(PARTITION, at)
    while True:
        records = await _read(reader, at)
        if not records:
            await pipeline.drain()
            await reader.wait_beyond(at, timeout_s=1.0)
            continue
        at = records[-1].offset + 1
        await pipeline.project(records)
        if len(records) < BATCH_RECORDS // 10:
            await asyncio.sleep(GATHER_S)


async def _read(reader: LocalLog, at: int) -> Sequence[LogRecord]:
    """Return the records from ``at`` on; wait while the file can't be read."""
    while True:
        try:
            return await reader.read(PARTITION, at, at + BATCH_RECORDS, BATCH_BYTES)
        except LogUnavailable as error:
            logger.warning("log_unavailable", error=str(error), retry_s=RETRY_S)
            await asyncio.sleep(RETRY_S)


async def first_missing(warehouse: Warehouse, reader: LogReader) -> int:
    """Return the first offset of the log without a receipt."""
    end = (await reader.ends())[PARTITION]
    holes = await asyncio.to_thread(warehouse.holes, PARTITION, end)
    return holes[0][0] if holes else end
