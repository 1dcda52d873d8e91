"""Mend what an audit finds wrong, inside the process that projects: no other may, since its cache knows the old state.

SIGUSR1 asks a projecting process for it (`crewkit-sessions coverage --repair` and `recount --repair` do). Everything is
made again out of the log and the facts, so it is safe at any time, and harmless where nothing is wrong.
"""

import asyncio
import signal
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from msgspec import Struct

from deploy.projector import Projector
from processors import errors
from processors.warehouse import DAY_S, HOUR_S, Bucket, ClickHouseWarehouse, SessionKey
from query_api.audit.differences import Difference
from query_api.audit.recount import Recount
from query_api.audit.slices import days_asked
from query_api.errors import StoreUnavailable
from query_api.queries import P, Question, R
from query_api.reader import Generation, Reader, answer
from schemas.topics import partition_of, record_key

log = structlog.get_logger()
REPAIR_SIGNAL = signal.SIGUSR1
ROUNDS_MAX = 100  # a recount lists 1,000 differences at most


class Mended(Struct):
    """What was made again."""

    positions: int = 0
    sessions: int = 0
    buckets: int = 0


class Mender:
    """Mends one generation, as far as its partitions are this process's."""

    def __init__(self, projector: Projector, reader: Reader, generation: Generation) -> None:
        self._pipeline, self._warehouse = projector.pipeline, projector.warehouse
        self._reader, self._generation = reader, generation

    async def run(self) -> Mended:
        """Fill the holes, project again what differs from its facts, compute again what differs from its sessions."""
        mended = Mended(positions=await self._pipeline.fill_holes())
        for _ in range(ROUNDS_MAX):
            differences = (await Recount(self, None, days_asked(None, None)).run()).differences
            sessions = await self._project_again(_sessions_in(differences))
            buckets = await self._compute_again(differences)
            if not sessions + buckets:
                break
            mended.sessions += sessions
            mended.buckets += buckets
        log.info("mended", positions=mended.positions, sessions=mended.sessions, buckets=mended.buckets)
        return mended

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """The rows that answer a question of the recount."""
        return await answer(self._reader, self._generation, question, params)

    async def _project_again(self, sessions: Iterable[SessionKey]) -> int:
        ours: dict[int, list[SessionKey]] = {}
        for key in sessions:
            partition = partition_of(record_key(key[1]), self._generation.partitions)
            if partition in self._pipeline.written:
                ours.setdefault(partition, []).append(key)
        for partition, some in ours.items():
            await self._pipeline.project_again(partition, some)
        return sum(map(len, ours.values()))

    async def _compute_again(self, differences: Sequence[Difference]) -> int:
        hours, days = _buckets_in(differences, "rollup_hourly"), _buckets_in(differences, "rollup_daily")
        if hours or days:
            await asyncio.to_thread(_compute_again, self._warehouse, hours, days)
        return len(hours) + len(days)


def _compute_again(warehouse: ClickHouseWarehouse, hours: Sequence[Bucket], days: Sequence[Bucket]) -> None:
    """A row that was altered may have any version, so it goes before the right one comes."""
    warehouse.forget_buckets(hours, sorted({*days, *((org, hour // DAY_S * DAY_S) for org, hour in hours)}))
    warehouse.refresh_rollups([*hours, *((org, day + HOUR_S * n) for org, day in days for n in range(24))])


def _sessions_in(differences: Sequence[Difference]) -> list[SessionKey]:
    found = (d.key for d in differences if d.table == "sessions")
    return sorted({(str(key["org_id"]), UUID(key["session_id"])) for key in found})


def _buckets_in(differences: Sequence[Difference], table: str) -> list[Bucket]:
    found = (d.key for d in differences if d.table == table)
    return sorted({(str(key["org_id"]), _seconds(str(key["bucket"]))) for key in found})


def _seconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())


async def mend_when_asked(mender: Mender) -> None:
    """Mend whenever the process is sent SIGUSR1, until cancelled; what breaks a repair breaks the process."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(REPAIR_SIGNAL, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        try:
            await mender.run()
        except (errors.StoreUnavailable, StoreUnavailable) as error:
            log.warning("store_unavailable", error=str(error))  # whoever asked sees that nothing was mended
