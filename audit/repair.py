"""Repairs what an audit finds wrong. Only the projecting process may do this, since its cache holds the old state.

A repair is a job (`generations.jobs.table`). Everything is recomputed from the log and the facts, so a repair is safe
at any time and changes nothing that is right.

Each process repairs its share: the sessions of its partitions, and the buckets whose key maps to one of them. Sessions
come first, since projecting a session again also recomputes its buckets. A bucket is removed only if it is still wrong
after that, in two recounts in a row: the first may have read it before another process repaired a session. Readers miss
it until it is recomputed.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from msgspec import Struct

from audit.differences import Difference
from audit.recount import INTERVALS, Recount
from audit.slices import days_asked
from processors.pipeline import Pipeline
from processors.warehouse import Bucket, ClickHouseWarehouse, SessionKey, day_of
from schemas.log.topics import partition_of, record_key
from schemas.store.rows import DAY_S, QUARTER_S
from store.generations import Generation
from store.reading.reader import GenerationReader, Reader

logger = structlog.get_logger()
ROUNDS_MAX = 100  # a recount lists at most 1,000 differences
WAITS_MAX, WAIT_S = 20, 1.0  # while another process repairs its sessions


class Repaired(Struct):
    positions: int = 0
    sessions: int = 0
    buckets: int = 0


class Repair:
    """Repairs this process's share of one generation."""

    def __init__(
        self, pipeline: Pipeline, warehouse: ClickHouseWarehouse, reader: Reader, generation: Generation
    ) -> None:
        self._pipeline, self._warehouse = pipeline, warehouse
        self._asks, self._partitions = GenerationReader(reader, generation), generation.partitions

    async def run(self) -> Repaired:
        """Fill holes, reproject sessions that differ from their facts, then recompute buckets that differ."""
        repaired = Repaired(positions=await self._pipeline.fill_holes())
        tried: set[SessionKey] = set()
        waits, before = WAITS_MAX, None
        for _ in range(ROUNDS_MAX):
            differences = (await Recount(self._asks, None, days_asked(None, None)).run()).differences
            wrong = _sessions_in(differences)
            if ours := [key for key in wrong if self._is_ours(record_key(key[1])) and key not in tried]:
                tried.update(ours)
                await self._project_again(ours)
                repaired.sessions += len(ours)
            elif wrong and waits:
                waits -= 1
                await asyncio.sleep(WAIT_S)
            elif not any(buckets := self._our_buckets(differences)):
                break
            elif buckets == before:
                await asyncio.to_thread(_compute_again, self._warehouse, *buckets)
                repaired.buckets += sum(map(len, buckets))
            else:
                before = buckets
        logger.info("repaired", positions=repaired.positions, sessions=repaired.sessions, buckets=repaired.buckets)
        return repaired

    async def _project_again(self, sessions: Iterable[SessionKey]) -> None:
        by_partition: dict[int, list[SessionKey]] = {}
        for key in sessions:
            by_partition.setdefault(self._partition(record_key(key[1])), []).append(key)
        for partition, some in by_partition.items():
            await self._pipeline.project_again(partition, some)

    def _our_buckets(self, differences: Sequence[Difference]) -> list[list[Bucket]]:
        """Return our quarters and days. A day and its quarters belong to one process: it is computed from them."""
        return [
            [bucket for bucket in _buckets_in(differences, table) if self._is_ours(_day_key(bucket))]
            for table in INTERVALS
        ]

    def _is_ours(self, key: bytes) -> bool:
        return self._partition(key) in self._pipeline.written

    def _partition(self, key: bytes) -> int:
        return partition_of(key, self._partitions)


def _compute_again(warehouse: ClickHouseWarehouse, quarters: Sequence[Bucket], days: Sequence[Bucket]) -> None:
    """Recompute buckets, after deleting the wrong rows: an altered row may have any version and hide the right one."""
    warehouse.forget_buckets(quarters, sorted({*days, *map(day_of, quarters)}))
    of_days = ((org, start) for org, day in days for start in range(day, day + DAY_S, QUARTER_S))
    warehouse.refresh_rollups([*quarters, *of_days])


def _day_key(bucket: Bucket) -> bytes:
    org, day = day_of(bucket)
    return f"{org} {day}".encode()


def _sessions_in(differences: Sequence[Difference]) -> list[SessionKey]:
    found = (d.key for d in differences if d.table in ("sessions", "amounts", "session_states"))
    return sorted({(str(key["org_id"]), UUID(key["session_id"])) for key in found})


def _buckets_in(differences: Sequence[Difference], table: str) -> list[Bucket]:
    found = (d.key for d in differences if d.table == table)
    return sorted({(str(key["org_id"]), int(datetime.fromisoformat(str(key["bucket"])).timestamp())) for key in found})
