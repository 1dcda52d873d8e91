"""Proves a generation: compares it with the live one and with itself, up to log offsets, while writes go on.

The steps, each in ranges (`ranges`), so that no question needs much time or memory:

1. pins: by partition, the offset below which both generations are complete. What is below it never changes in `facts`,
   `receipts` and `dead_letters`.
2. `facts`, then `receipts`: between the generations by hash; inside each, whether positions and facts are complete
3. `sessions`, `tasks`, `compactions`, `analyses`: between the generations by version and hash (`compare`)
4. `dead_letters`: between the generations, and inside each against the receipts
5. inside each a recount (`audit.recount`): rollups against sessions, sessions against facts

A difference counts if a second reading, begun after the first one ended, shows it again (`audit.confirm`).
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

from generations.prove.between import Between
from generations.prove.inside import Inside
from generations.prove.proof import Proof
from generations.prove.ranges import (
    OrgRows,
    SizedRange,
    fact_ranges,
    hour_ranges,
    offset_ranges,
    orgs_of,
    session_ranges,
)
from generations.prove.recounts import recount
from generations.prove.sides import Pause, Side, sides_of
from generations.prove.tables import BY_ORG, BY_SESSION, DEAD_LETTERS, FACTS, RECEIPTS, SESSIONS, Table
from generations.prove.tally import Tally
from store.generations import Generation
from store.reading.reader import Reader

OnProgress = Callable[[float, str], None]  # the share that is done, 0 to 1, and what is compared
RECOUNT_WEIGHT = 0.5  # the time of a fact in a recount, compared with its part in the steps before


class Prove:
    """One proof of ``generation`` against ``live``; with the same name, only the checks of a generation with itself."""

    def __init__(
        self,
        reader: Reader,
        generation: Generation,
        live: Generation,
        on_progress: OnProgress,
        pause: Pause | None = None,
    ) -> None:
        self._sides = sides_of(reader, live, generation, pause)
        self._on_progress = on_progress

    async def run(self) -> Proof:
        """Compare everything; another call begins anew. Raises `StoreUnavailable`."""
        self._tally = Tally()
        self._between = Between(self._sides, self._tally)
        self._pins = await self._sides.settled()
        self._inside = Inside(self._sides, self._tally, self._pins)
        self._orgs = {table.name: await orgs_of(self._sides, table.name) for table in BY_ORG}
        self._done, self._expected = 0.0, self._work()
        await self._facts()
        await self._receipts()
        await self._states()
        await self._dead_letters()
        for side in self._sides.each:
            await self._recount(side)
        self._on_progress(1.0, "done")
        return self._tally.proof(self._sides.proved.generation.name, self._sides.live.generation.name, self._pins)

    async def _facts(self) -> None:
        async for part, rows in fact_ranges(self._orgs[FACTS.name], self._pins):
            self._inside.add_facts(await self._between.compare(FACTS, part))
            self._advance(FACTS, rows)

    async def _receipts(self) -> None:
        for part, rows in offset_ranges(self._pins):
            await self._inside.add_receipts(part, await self._between.compare(RECEIPTS, part))
            self._advance(RECEIPTS, rows)
        await self._inside.check_facts(self._orgs[FACTS.name])

    async def _states(self) -> None:
        """Compare the tables whose rows are replaced by newer ones. A generation with itself has nothing to compare."""
        for table in () if self._sides.are_one else (SESSIONS, *BY_SESSION):
            async for part, rows in self._ranges(table):
                await self._between.compare(table, part)
                self._advance(table, rows)
        await self._between.end()

    def _ranges(self, table: Table[Any]) -> AsyncIterator[SizedRange]:
        orgs = self._orgs[table.name]
        return hour_ranges(orgs) if table is SESSIONS else session_ranges(orgs, table.name)

    async def _dead_letters(self) -> None:
        for part, rows in offset_ranges(self._pins):
            await self._between.compare(DEAD_LETTERS, part)
            await self._inside.check_dead_letters(part)
            self._advance(DEAD_LETTERS, rows)

    async def _recount(self, side: Side) -> None:
        work, before = RECOUNT_WEIGHT * _rows(self._orgs[FACTS.name]), self._done

        def advance(share: float) -> None:
            self._done = before + share * work
            self._report(f"recount of {side.generation.name}")

        await recount(side, self._sides, self._tally, advance)

    def _work(self) -> float:
        """Return the work to do, in facts."""
        by_org = sum(table.weight * _rows(self._orgs[table.name]) for table in BY_ORG)
        by_offset = (RECEIPTS.weight + DEAD_LETTERS.weight) * sum(self._pins)
        return by_org + by_offset + RECOUNT_WEIGHT * len(self._sides.each) * _rows(self._orgs[FACTS.name])

    def _advance(self, table: Table[Any], rows: int) -> None:
        self._done += table.weight * rows
        self._report(table.name)

    def _report(self, what: str) -> None:
        self._on_progress(min(1.0, self._done / max(1.0, self._expected)), what)


def _rows(orgs: list[OrgRows]) -> int:
    return sum(org.rows for org in orgs)
