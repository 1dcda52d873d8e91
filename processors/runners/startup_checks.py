"""Checks before a projector starts and after the log was away: better to refuse than to project wrong records."""

import asyncio

import msgspec

from processors.fold.fold import FOLD_VERSION
from processors.pricing import Pricing
from processors.warehouse import StoredReceipt, Warehouse
from schemas.log.position import LogReader
from schemas.log.records import AnyRecord, Erased
from store.broken import Broken

CHECKED_AT_ONCE = 8  # partitions
_records: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def check_generation(warehouse: Warehouse, partitions: int) -> None:
    """Check that the generation was made with this fold version, price history and number of partitions.

    Raises `Broken`: the message says what differs and what to do.
    """
    made_with = warehouse.generation()
    if made_with.fold_version != FOLD_VERSION:
        raise Broken(
            f"this generation was made with fold version {made_with.fold_version}, but this code has {FOLD_VERSION}: "
            "project into a new generation, or run the version that made this one"
        )
    if made_with.partitions != partitions:
        raise Broken(
            f"this generation was made for {made_with.partitions} partitions, but the log has {partitions}: "
            "the partition count of a topic is frozen, since a session must stay in its partition"
        )
    Pricing(warehouse).complete_until(0)


async def check_log_tail(warehouse: Warehouse, reader: LogReader, partitions: int) -> None:
    """Check that the last record with a receipt is still in the log, unchanged, in each partition.

    Each partition takes one query for its last receipt and one record of the log; a few are checked at once. Raises
    `Broken` if the log lost its tail: continuing would skip new records, or mix them with old ones.
    """
    ends = await reader.ends()
    free = asyncio.Semaphore(CHECKED_AT_ONCE)

    async def check(partition: int) -> None:
        async with free:
            receipt = await asyncio.to_thread(warehouse.last_receipt, partition)
            if receipt is not None:
                await _check_receipt(reader, partition, ends[partition], receipt)

    await asyncio.gather(*map(check, range(partitions)))


async def _check_receipt(reader: LogReader, partition: int, end: int, receipt: StoredReceipt) -> None:
    if receipt.offset >= end:
        raise Broken(_lost(partition, f"it ends at {end}, but offset {receipt.offset} was projected"))
    if receipt.outcome != "projected":
        return  # what is dead or erased has no identity to compare
    records = await reader.read(partition, receipt.offset, receipt.offset + 1, 1)
    if not records or records[0].offset != receipt.offset:
        raise Broken(_lost(partition, f"offset {receipt.offset}, which was projected, is not in it"))
    try:
        found = _records.decode(records[0].value or b"")
    except msgspec.MsgspecError:
        found = None
    if isinstance(found, Erased):
        return  # it was erased after it was projected
    if found is None or found.record_id != receipt.record_id:
        raise Broken(_lost(partition, f"offset {receipt.offset} holds a different record than the one projected"))


def _lost(partition: int, what: str) -> str:
    return (
        f"partition {partition} of the log lost its tail: {what}. Restore the log, or provision a new generation "
        "and project what is left into it"
    )
