"""Looks for what is erased wherever it was: in the tables of a generation and their files, and in each copy of the log.

A sweep says what it has removed; this says what is left, whatever left it there: a worker that wakes up, a part that
the store does not remove, a copy of the log that an erasure never reached. An erasure is *certified* if a check that
began after its sweep found nothing of it, nor of any earlier erasure of its partition.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast
from uuid import UUID

from msgspec.structs import replace

from generations.jobs.runner import OnProgress
from ingest.log.kept import Cuts
from ingest.log.sqlite.file_bytes import records_in_bytes
from ingest.log.tiered import Copy
from ingest.log.unerased import unerased
from processors.warehouse import ClickHouseWarehouse, SessionKey
from query_api.erasure.checks import Left, LeftInLog
from schemas.log.codec import decode_value
from schemas.log.position import LogRecord, Position
from schemas.log.records import NO_ID, Erased
from schemas.log.topics import partition_of, record_key


class _Erasures:
    """What is erased in each partition, and the first erasures of which something was found."""

    def __init__(self, first: Sequence[Mapping[SessionKey, int]]) -> None:
        """``first`` has by partition the offset of the first erasure of a session, or of an org as `NO_ID`."""
        self._first, self.found = first, dict[int, int]()
        # Which erasure came first is looked up later, only for what is found.
        self.cuts = [_cuts(erased, partition) for partition, erased in enumerate(first)]

    def add(self, partition: int, org_id: str, session_id: UUID) -> None:
        """Note that something is left of a session."""
        first = self._first[partition]
        offsets = [first[key] for key in ((org_id, session_id), (org_id, NO_ID)) if key in first]
        self.found[partition] = min(self.found.get(partition, offsets[0]), *offsets)

    def add_stub(self, stub: LogRecord) -> None:
        """Note that a record is left in whose place this stub belongs."""
        record = cast(Erased, decode_value(stub.value))
        self.add(stub.partition, record.org_id, record.session_id)


class LeftInStore(NamedTuple):
    """What is left in the tables and their files, see `Left`; and everything that is erased."""

    tables: dict[str, int]
    parts: list[str]
    erasures: _Erasures


class ErasureCheck:
    """Checks one generation, and the log that it follows."""

    def __init__(self, warehouse: ClickHouseWarehouse, copies: Sequence[Copy], partitions: int) -> None:
        self._warehouse, self._copies, self._partitions = warehouse, copies, range(partitions)

    async def run(self, report: OnProgress) -> Left:
        """Check everything, which reads each copy of the log once.

        Raises `StoreUnavailable`, `LogUnavailable`, and `BrokenLog` if a copy can't be read.
        """
        return await self.in_logs(await self.in_store(report), report)

    async def in_store(self, report: OnProgress) -> LeftInStore:
        """Look into the tables and their files. No sweep may be in progress. Raises `StoreUnavailable`."""
        report(0.0, "looks for rows of erased sessions")
        tables = await asyncio.to_thread(self._warehouse.left_of_erased)
        erasures = _Erasures([await asyncio.to_thread(self._warehouse.first_erasures, p) for p in self._partitions])
        for org_id, session_id in set(chain(*tables.values())):
            erasures.add(partition_of(record_key(session_id), len(self._partitions)), org_id, session_id)
        masked = await asyncio.to_thread(self._warehouse.parts_with_deleted)
        sessions = {table: len(found) for table, found in tables.items() if found}
        return LeftInStore(sessions, sorted(f"{table}.{name}" for table, name in masked), erasures)

    async def in_logs(self, stored: LeftInStore, report: OnProgress) -> Left:
        """Read each copy of the log; return all that is left. Raises `LogUnavailable` or `BrokenLog`."""
        erasures, with_rows = stored.erasures, dict(stored.erasures.found)
        logs = [await self._left_in(copy, erasures, report) for copy in self._copies]
        logs += [await self._left_in_file(copy.file, erasures) for copy in self._copies if copy.file]
        return Left(stored.tables, stored.parts, logs, erasures.found, with_rows)

    async def _left_in(self, copy: Copy, erasures: _Erasures, report: OnProgress) -> LeftInLog:
        ranges = tuple(zip(await copy.starts(), await copy.log.ends(), strict=True))
        found = LeftInLog(copy.name, read=ranges)
        async for stub in unerased(copy, ranges, erasures.cuts, report):
            erasures.add_stub(stub)
            found = _with(found, str(Position(stub.partition, stub.offset)))
        return found

    async def _left_in_file(self, path: Path, erasures: _Erasures) -> LeftInLog:
        """Look for erased records in the bytes of a log of one partition, which no query shows."""
        found, cuts, ids = LeftInLog("file"), erasures.cuts[0], set[str]()
        if not cuts:
            return found
        async for record in records_in_bytes(path):
            is_erased = (record.org_id, record.session_id) in cuts.sessions or (record.org_id, 0) in cuts.orgs
            if is_erased and record.record_id not in ids:
                ids.add(record.record_id)
                erasures.add(0, record.org_id, record.session_id)
                found = _with(found, record.place)
        return found


def _with(found: LeftInLog, place: str) -> LeftInLog:
    return replace(found, records=found.records + 1, first=found.first or place)


def _cuts(erased: Mapping[SessionKey, int], partition: int) -> Cuts:
    """Return what is erased in a partition, without the ids of erasures."""
    orgs = {(org_id, partition): NO_ID for org_id, session_id in erased if session_id == NO_ID}
    return Cuts(dict.fromkeys(erased, NO_ID), orgs, {record_key(session_id) for _, session_id in erased})
