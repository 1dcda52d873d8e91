"""The recount: sessions against their facts, rollups against the sessions, slice by slice. See `settling` for when a
difference is believed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from audit.confirm import believed
from audit.differences import Difference, orphan_differences, rollup_differences, session_differences
from audit.questions import (
    RECOUNT_DAYS,
    RECOUNT_ORPHANS,
    RECOUNT_PINS,
    RECOUNT_ROLLUPS,
    RECOUNT_SESSIONS,
    RecountOrphans,
    RecountRollups,
    RecountSessions,
    RollupLine,
    RollupsFound,
    SessionLine,
    SessionsFound,
    Span,
    joined,
)
from audit.slices import Slice, days_asked, parts_of, slices
from query_api.days import Days
from query_api.question import NoParams, P, Question, R
from schemas.hooks import KNOWN_EVENT_TYPES
from store.key_lists import cut_to_size

LISTED_MAX = 1_000
PAUSE_S = 0.2
INTERVALS = {"rollup_hourly": "hour", "rollup_daily": "day"}

Pause = Callable[[], Awaitable[None]]


class Asks(Protocol):
    """Whoever answers questions, all from one generation."""

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """The rows that answer a question."""
        ...


class Compared(Struct):
    """How much was held against its source."""

    sessions: int = 0
    events: int = 0
    rollup_hourly: int = 0
    rollup_daily: int = 0


class Moving(Struct):
    """How much was still being written at every look, so that nothing can be said of it."""

    sessions: int = 0
    rollup_hourly: int = 0
    rollup_daily: int = 0


class Recounted(Struct):
    """What a recount found; of the differences 1,000 are listed at most, ``truncated`` says that there are more."""

    equal: bool
    compared: Compared
    moving: Moving
    differences: list[Difference]
    truncated: bool


class Recount:
    """One recount, of an org or of all."""

    def __init__(self, asks: Asks, org_id: str | None, days: Days, pause: Pause | None = None) -> None:
        self._asks, self._org_id, self._days, self._pause = asks, org_id, days, pause or partial(asyncio.sleep, PAUSE_S)
        self._found = Recounted(True, Compared(), Moving(), [], False)

    async def run(self) -> Recounted:
        """Compare everything once, and what is in doubt again."""
        always = days_asked(None, None)
        days = await self._asks.ask(RECOUNT_DAYS, Span(self._org_id, always.since, always.until))
        for piece in slices(days, self._days):
            for part in range(piece.parts):
                await self._sessions(piece, part)
            for table in INTERVALS:
                await self._rollups(piece, table)
        parts = parts_of(days)
        for part in range(parts):
            await self._orphans(part, parts)
        return self._found

    async def of_hours(self, hours: Slice) -> Recounted:
        """Compare the sessions that began in these hours, and the hours themselves."""
        await self._sessions(hours, 0)
        await self._rollups(hours, "rollup_hourly")
        return self._found

    async def _sessions(self, piece: Slice, part: int) -> None:
        read = partial(self._read_sessions, piece, part)
        first = await read([])
        result = await believed(first, _session_of, read, self._pause)
        self._found.compared.sessions += first.compared
        self._found.compared.events += first.events
        self._found.moving.sessions += result.moving
        for line in result.lines:
            self._note(session_differences(line), result.cut)

    async def _rollups(self, piece: Slice, table: str) -> None:
        read = partial(self._read_rollups, piece, INTERVALS[table])
        first = await read([])
        result = await believed(first, _bucket_of, read, self._pause)
        _add(self._found.compared, table, first.compared)
        _add(self._found.moving, table, result.moving)
        for line in result.lines:
            self._note(rollup_differences(table, line), result.cut)

    async def _orphans(self, part: int, parts: int) -> None:
        pins = await self._pins()
        params = RecountOrphans(self._org_id, self._days.since, self._days.until, pins, LISTED_MAX, part, parts)
        for row in await self._asks.ask(RECOUNT_ORPHANS, params):
            self._note(orphan_differences(row), cut=False)

    async def _read_sessions(self, piece: Slice, part: int, only_these: list[UUID]) -> SessionsFound:
        settled = (self._org_id, piece.since, piece.until, await self._pins(), LISTED_MAX)
        found = SessionsFound(0, 0, 0, [], 0, [])
        for some in cut_to_size(only_these) if only_these else [[]]:
            params = RecountSessions(*settled, part, piece.parts, sorted(KNOWN_EVENT_TYPES), some)
            found = joined(found, (await self._asks.ask(RECOUNT_SESSIONS, params))[0])
        return found

    async def _read_rollups(self, piece: Slice, interval: str, only_these: list[tuple[str, int]]) -> RollupsFound:
        settled = (self._org_id, piece.since, piece.until, await self._pins(), LISTED_MAX)
        found = RollupsFound(0, 0, [], 0, [])
        for some in cut_to_size(only_these) if only_these else [[]]:
            found = joined(found, (await self._asks.ask(RECOUNT_ROLLUPS, RecountRollups(*settled, interval, some)))[0])
        return found

    async def _pins(self) -> list[int]:
        """By partition, the offset below which everything is in the tables. It is noted before they are read."""
        settled = {row.log_partition: row.settled for row in await self._asks.ask(RECOUNT_PINS, NoParams())}
        return [settled.get(partition, 0) for partition in range(max(settled, default=-1) + 1)]

    def _note(self, differences: Iterable[Difference], cut: bool) -> None:
        self._found.equal = False
        room = LISTED_MAX - len(self._found.differences)
        some = list(differences)
        self._found.differences += some[:room]
        self._found.truncated = self._found.truncated or cut or len(some) > room


def _session_of(line: SessionLine) -> UUID:
    return line.session_id


def _bucket_of(line: RollupLine) -> tuple[str, int]:
    return line.org_id, line.bucket


def _add(counts: Compared | Moving, table: str, more: int) -> None:
    setattr(counts, table, getattr(counts, table) + more)
