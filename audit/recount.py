"""The recount: compares sessions with their facts, amounts with sessions, and rollups with both, slice by slice.

See `confirm` for when a difference counts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial, reduce
from operator import attrgetter
from typing import Annotated
from uuid import UUID

from msgspec import Struct

from audit.confirm import Comparison, K, L, Pause, confirmed_differences
from audit.differences import (
    Difference,
    amounts_differences,
    orphan_differences,
    rollup_differences,
    session_differences,
    state_differences,
)
from audit.receipts_end import receipts_end
from audit.recount_questions import (
    RECOUNT_AMOUNTS,
    RECOUNT_DAYS,
    RECOUNT_ORPHANS,
    RECOUNT_ROLLUPS,
    RECOUNT_SESSIONS,
    RECOUNT_STATES,
    ROLLUP_MARKS,
    AmountsCompared,
    C,
    RecountAmounts,
    RecountOrphans,
    RecountRollups,
    RecountSessions,
    RecountSpan,
    RollupsCompared,
    SessionsCompared,
    SettledSpan,
    joined,
)
from audit.slices import RecountSlice, days_asked, parts_of, slices
from processors.fold.fold import FOLD_VERSION
from query_api.days import Days
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http import fields
from schemas.http.fields import doc
from schemas.store.rows import DAY_S, QUARTER_S
from store.reading.question import Asks, NoParams, P, Question
from store.sql import cut_to_size

_NOTE = (
    "sessions, amounts and rollups were not compared: fold version {} built this generation, but this code has fold "
    "version {}. Replay into a new generation, or recount with the code that built this one"
)
LISTED_MAX = 1_000
PAUSE_S = 0.2
INTERVALS = {"rollup_quarters": QUARTER_S, "rollup_days": DAY_S}


class Compared(Struct):
    """How many rows were compared with their source."""

    sessions: Annotated[int, doc("Number of sessions recounted.", 120)] = 0
    events: Annotated[int, doc("Number of events counted.", 5940)] = 0
    amounts: Annotated[int, doc("Number of sessions whose amounts were added up.", 120)] = 0
    rollup_quarters: fields.RollupQuarters = 0
    rollup_days: fields.RollupDays = 0


class Moving(Struct):
    """How many rows could not be compared because they were being written during each comparison."""

    sessions: Annotated[int, doc("Number of sessions that changed during every attempt.", 0)] = 0
    amounts: Annotated[int, doc("Number of sessions whose amounts changed during every attempt.", 0)] = 0
    rollup_quarters: fields.RollupQuarters = 0
    rollup_days: fields.RollupDays = 0


class Recounted(Struct):
    """The result of a recount; it lists up to 1,000 differences and is ``truncated`` if there are more.

    ``note`` says so if sessions, amounts and rollups were not compared because another fold version made them.
    """

    equal: Annotated[bool, doc("Whether the recount found no difference.", True)]
    compared: Annotated[Compared, doc("Number of rows compared.")]
    moving: Annotated[Moving, doc("Number of rows that changed during every attempt to compare them.")]
    differences: Annotated[list[Difference], doc("Differences, at most 1,000.", [])]
    truncated: fields.Truncated
    note: Annotated[str | None, doc("Why sessions, amounts and rollups were not compared; null if they were.")] = None


class Recount:
    def __init__(
        self, asks: Asks, org_id: str | None, days: Days, pause: Pause | None = None, fold_version: int = FOLD_VERSION
    ) -> None:
        """Set up a recount. Facts are counted only if ``fold_version``, which built the generation, is ours."""
        self._asks, self._org_id, self._days, self._pause = asks, org_id, days, pause or partial(asyncio.sleep, PAUSE_S)
        self._has_these_rules = fold_version == FOLD_VERSION
        note = None if self._has_these_rules else _NOTE.format(fold_version, FOLD_VERSION)
        self._found = Recounted(True, Compared(), Moving(), [], False, note)
        self._settled: dict[int, int] = {}

    async def run(self) -> Recounted:
        """Compare everything once, then unconfirmed rows again."""
        always = days_asked(None, None)
        days = await self._asks.ask(RECOUNT_DAYS, RecountSpan(self._org_id, always.since, always.until))
        for piece in slices(days, self._days):
            await self._settle()
            for part in range(piece.parts):
                await self._sessions(piece, part)
                await self._amounts(piece, part)
            await self._states(piece)
            for table in INTERVALS:
                await self._rollups(piece, table)
        parts = parts_of(days)
        await self._settle()
        span = self._org_id, self._days.since, self._days.until, _pins(self._settled), LISTED_MAX
        for part in range(parts):
            for row in await self._asks.ask(RECOUNT_ORPHANS, RecountOrphans(*span, part, parts)):
                self._note(orphan_differences(row), cut=False)
        return self._found

    async def of_hours(self, hours: RecountSlice) -> Recounted:
        """Compare the sessions that started in these hours, and the rollups of their quarters."""
        await self._settle()
        await self._sessions(hours, 0)
        await self._amounts(hours, 0)
        await self._states(hours)
        await self._rollups(hours, "rollup_quarters")
        return self._found

    async def _sessions(self, piece: RecountSlice, part: int) -> None:
        async def compare(only_these: list[UUID]) -> SessionsCompared:
            known, span = sorted(KNOWN_EVENT_TYPES), (*self._span(piece), part, piece.parts)
            found = await self._ask(RECOUNT_SESSIONS, lambda some: RecountSessions(*span, known, some), only_these)
            if not only_these:
                self._found.compared.events += found.events
            return found

        await self._confirm("sessions", compare, attrgetter("session_id"), session_differences)

    async def _amounts(self, piece: RecountSlice, part: int) -> None:
        async def compare(only_these: list[UUID]) -> AmountsCompared:
            span = (*self._span(piece), part, piece.parts)
            return await self._ask(RECOUNT_AMOUNTS, lambda some: RecountAmounts(*span, some), only_these)

        await self._confirm("amounts", compare, attrgetter("session_id"), amounts_differences)

    async def _rollups(self, piece: RecountSlice, table: str) -> None:
        async def compare(only_these: list[tuple[str, int]]) -> RollupsCompared:
            # By partition, the offset below which all records are in the rollups too.
            marks = await self._asks.ask(ROLLUP_MARKS, NoParams())
            settled = self._settled
            rolled_up = {row.log_partition: min(row.rolled_up, settled.get(row.log_partition, 0)) for row in marks}
            span = (*self._span(piece, settled | rolled_up), INTERVALS[table])
            return await self._ask(RECOUNT_ROLLUPS, lambda some: RecountRollups(*span, some), only_these)

        await self._confirm(table, compare, attrgetter("org_id", "bucket"), partial(rollup_differences, table))

    async def _states(self, piece: RecountSlice) -> None:
        """Compare the settled states: a state and its facts below the offsets read beforehand no longer change."""
        for line in await self._asks.ask(RECOUNT_STATES, SettledSpan(*self._span(piece))):
            self._note(state_differences(line), cut=False)

    async def _confirm(
        self,
        name: str,
        compare: Callable[[list[K]], Awaitable[Comparison[L, K]]],
        key_of: Callable[[L], K],
        differences: Callable[[L], Iterable[Difference]],
    ) -> None:
        """Compare, and note what a second comparison confirms. Rows that follow other rules are not compared."""
        if not self._has_these_rules:
            return

        async def compare_again(only_these: list[K]) -> Comparison[L, K]:
            await self._settle()
            return await compare(only_these)

        first = await compare([])
        result = await confirmed_differences(first, key_of, compare_again, self._pause)
        _add(self._found.compared, name, first.compared)
        _add(self._found.moving, name, result.moving)
        for line in result.lines:
            self._note(differences(line), result.cut)

    async def _ask(self, question: Question[P, C], params_of: Callable[[list[K]], P], only_these: list[K]) -> C:
        """Compare everything, or ``only_these``, in as many questions as their keys need."""
        parts = cut_to_size(only_these) if only_these else [[]]
        return reduce(joined, [(await self._asks.ask(question, params_of(some)))[0] for some in parts])

    def _span(
        self, piece: RecountSlice, settled: dict[int, int] | None = None
    ) -> tuple[str | None, datetime, datetime, list[int], int]:
        """Return the fields of a `SettledSpan`."""
        return self._org_id, piece.since, piece.until, _pins(settled or self._settled), LISTED_MAX

    async def _settle(self) -> None:
        """Note, by partition, the offset below which all records are in the tables; before these are read.

        A receipt is the last write of a record, so below the last one every session and task is complete. An offset
        that was noted earlier stays true, but more rows are moving.
        """
        self._settled = await receipts_end(self._asks)

    def _note(self, differences: Iterable[Difference], cut: bool) -> None:
        self._found.equal = False
        room = LISTED_MAX - len(self._found.differences)
        some = list(differences)
        self._found.differences += some[:room]
        self._found.truncated = self._found.truncated or cut or len(some) > room


def _pins(settled: dict[int, int]) -> list[int]:
    return [settled.get(partition, 0) for partition in range(max(settled, default=-1) + 1)]


def _add(counts: Compared | Moving, table: str, more: int) -> None:
    setattr(counts, table, getattr(counts, table) + more)
