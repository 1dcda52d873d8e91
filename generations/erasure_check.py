"""Looks for what is erased wherever it was: in the tables of a generation and their files, and in each copy of the log.

A sweep says what it has removed; this says what is left, whatever left it there: a worker that wakes up, a part that
the store does not remove, a copy of the log that an erasure never reached.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from generations.jobs.runner import OnProgress
from ingest.log.archive.read_all import read_all
from ingest.log.kept import Cuts, kept
from ingest.log.tiered import Copy
from processors.warehouse import ClickHouseWarehouse
from schemas.log.position import Position
from schemas.log.records import NO_ID
from schemas.log.topics import record_key

REPORT_EVERY = 10_000  # records


class LeftInLog(Struct, frozen=True):
    """How many of the records of a copy of the log are erased, but no stubs yet; ``first`` is the position of one."""

    place: str
    records: int = 0
    first: str = ""


class Left(Struct, frozen=True):
    """What is left. ``tables`` says how many erased sessions have rows; ``parts`` may hold rows that were deleted."""

    tables: dict[str, int]
    parts: list[str]
    logs: list[LeftInLog]

    @property
    def is_nothing(self) -> bool:
        return not (self.tables or self.parts or any(log.records for log in self.logs))


class ErasureCheck:
    """Checks one generation, and the log that it follows."""

    def __init__(self, warehouse: ClickHouseWarehouse, copies: Sequence[Copy], partitions: int) -> None:
        self._warehouse, self._copies, self._partitions = warehouse, copies, partitions

    async def run(self, report: OnProgress) -> Left:
        """Check everything, which reads each copy of the log once.

        Raises `StoreUnavailable`, `LogUnavailable`, and `BrokenLog` if a copy can't be read.
        """
        report(0.0, "looks for rows of erased sessions")
        left = await asyncio.to_thread(self._warehouse.left_of_erased)
        parts = await asyncio.to_thread(self._warehouse.parts_with_deleted)
        cuts = [await asyncio.to_thread(self._cuts, partition) for partition in range(self._partitions)]
        return Left(
            tables={table: len(sessions) for table, sessions in left.items() if sessions},
            parts=sorted(f"{table}.{name}" for table, name in parts),
            logs=[await self._left_in(copy, cuts, report) for copy in self._copies],
        )

    def _cuts(self, partition: int) -> Cuts:
        """Return what is erased in a partition; which erasure came first does not matter here."""
        found = self._warehouse.erased(partition)
        orgs = {(org_id, partition): NO_ID for org_id, session_id in found if session_id == NO_ID}
        keys = {record_key(session_id) for _, session_id in found}
        gone = {(partition, one.offset): {one.org_id: NO_ID} for one in self._warehouse.erased_positions(partition)}
        return Cuts(dict.fromkeys(found, NO_ID), orgs, keys, gone)

    async def _left_in(self, copy: Copy, cuts: Sequence[Cuts], report: OnProgress) -> LeftInLog:
        starts, ends = await copy.starts(), await copy.log.ends()
        found, read, whole = LeftInLog(copy.name), 0, max(1, sum(ends) - sum(starts))
        for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
            async for record in read_all(copy.log, partition, start, end):
                read += 1
                if read % REPORT_EVERY == 0:
                    report(read / whole, f"reads the {copy.name}, {read:,} of {whole:,} records")
                if cuts[partition] and kept(record, cuts[partition], self._partitions) is not record:
                    at = found.first or str(Position(partition, record.offset))
                    found = LeftInLog(copy.name, found.records + 1, at)
        return found
