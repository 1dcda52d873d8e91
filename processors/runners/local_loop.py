"""The runner of the embedded default: a plain loop over a log of one partition, in the serving process.

It commits no offset: it starts at the first offset that has no receipt.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from processors.flow.backlog import is_full
from processors.marks.dense_receipts import parts
from processors.pipeline import Pipeline
from processors.plan import BATCH_BYTES_MAX
from processors.warehouse import Warehouse
from schemas.log.position import LogReader, LogRecord, LogUnavailable

logger = structlog.get_logger()

PARTITION = 0
RETRY_S = 1.0
IDLE_S = 3_600.0  # a batch begins sooner


class LocalLog(LogReader, Protocol):
    """A log in the same process, which can wait for more records."""

    async def wait_beyond(self, offset: int, timeout_s: float) -> None:
        """Return when the log's end is beyond ``offset``, or after ``timeout_s``."""


async def run_local(pipeline: Pipeline, warehouse: Warehouse, reader: LocalLog, batch_records: int) -> None:
    """Project until cancelled, in batches of ``batch_records`` at most. Raises `Broken`: stop the process."""
    ask = pipeline.calls.in_fold_thread
    since = await pipeline.dense_receipts.since(PARTITION, ask)
    at = await first_missing(warehouse, reader, since)
    await pipeline.dense_receipts.move(PARTITION, since, at, ask)  # else `take_over` would look at them again
    await pipeline.take_over(PARTITION, at)
    while True:
        records = await _read(reader, at, batch_records, BATCH_BYTES_MAX)
        if not records:
            await pipeline.drain()
            await reader.wait_beyond(at, timeout_s=1.0)
            continue
        size = sum(len(record.value or b"") for record in records)
        if not is_full(len(records), size, batch_records, BATCH_BYTES_MAX):
            await pipeline.wait_to_begin(reader.wait_beyond(at + batch_records - 1, timeout_s=IDLE_S))
            more = batch_records - len(records), BATCH_BYTES_MAX - size
            records = [*records, *await _read(reader, records[-1].offset + 1, *more)]
        at = records[-1].offset + 1
        await pipeline.project(records)


async def _read(reader: LocalLog, at: int, count: int, bytes_max: int) -> Sequence[LogRecord]:
    """Return the records from ``at`` on; wait while the file can't be read."""
    while True:
        try:
            return await reader.read(PARTITION, at, at + count, bytes_max)
        except LogUnavailable as error:
            logger.warning("log_unavailable", error=str(error), retry_s=RETRY_S)
            await asyncio.sleep(RETRY_S)


async def first_missing(warehouse: Warehouse, reader: LogReader, since: int) -> int:
    """Return the first offset of the log from ``since`` on without a receipt."""
    end = (await reader.ends())[PARTITION]
    for start, stop in parts(since, end):
        if holes := await asyncio.to_thread(warehouse.holes, PARTITION, start, stop):
            return holes[0][0]
    return end
