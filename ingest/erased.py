"""The erasures that this process knows of, so that it refuses what is still sent for them.

Projectors erase whatever arrives later, so a process that doesn't know yet does no harm. But what is refused
never reaches a disk, and its client learns to forget it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from ingest.intake.context import NOTHING, ErasedSessions
from ingest.log.broken import BrokenLog
from ingest.log.port import EventLog
from schemas.log.codec import Undecodable, decode_value
from schemas.log.position import LogUnavailable
from schemas.log.records import RecordsErased

LOOK_EVERY_S = 2.0


class EverySession:
    """All sessions of an org that was erased as a whole."""

    def __init__(self, erasure: UUID) -> None:
        self._erasure = erasure

    def __contains__(self, session_id: object, /) -> bool:
        return True

    def __getitem__(self, session_id: UUID, /) -> UUID:
        return self._erasure


class KnownErasures:
    """The erasures of a log, read when it answers and again every `LOOK_EVERY_S`: any process may add one."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._sessions: dict[str, dict[UUID, UUID]] = {}
        self._orgs: dict[str, EverySession] = {}
        self._next = 0

    def of(self, org_id: str) -> ErasedSessions:
        """Return what is erased of an org."""
        whole = self._orgs.get(org_id)
        return self._sessions.get(org_id, NOTHING) if whole is None else whole

    async def add(self, records: Sequence[RecordsErased], values: Sequence[bytes]) -> None:
        """Add erasures whose records are in the log, here and for every other process. Raises `LogUnavailable`."""
        for value in values:
            await self._log.note_erasure(value)
        for record in records:
            self._know(record)

    async def look(self) -> None:
        """Read the erasures that are new. Raises `LogUnavailable`."""
        values: Sequence[bytes] = (b"",)
        while values:
            values, self._next = await self._log.erasures(self._next)
            for value in values:
                with suppress(Undecodable):  # of a newer version
                    if isinstance(record := decode_value(value), RecordsErased):
                        self._know(record)

    async def follow(self) -> None:
        """Look again and again."""
        while True:
            with suppress(LogUnavailable, BrokenLog):  # appends find out that the log is broken, and say so
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _know(self, record: RecordsErased) -> None:
        if not record.sessions:
            self._orgs.setdefault(record.org_id, EverySession(record.erasure))
        for session_id in record.sessions:
            self._sessions.setdefault(record.org_id, {}).setdefault(session_id, record.erasure)
