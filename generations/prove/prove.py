"""Proves a generation: compares it with the live one and with itself, up to log offsets, while writes go on.

The steps, each in ranges (`ranges`), so that no question needs much time or memory:

1. pins: by partition, the offset below which both generations are complete. What is below it never changes in `facts`,
   `receipts` and `dead_letters`.
2. `facts`, then `receipts`: between the generations by hash (`rows`); inside each, whether positions and facts are
   complete (`positions`)
3. `sessions`, `tasks`, `compactions`, `analyses`: between the generations by version and hash
4. `dead_letters`: between the generations, and inside each against the receipts
5. inside each a recount (`audit.recount`): rollups against sessions, sessions against facts

A difference counts if a second reading, begun after the first one ended, shows it again (`audit.confirm`). Each step
yields what it `Found`; only `run` counts.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from audit.confirm import Pause
from generations.prove.compare import different_row
from generations.prove.pair import Pair
from generations.prove.positions import Blocks, add_each, with_other_dead_letters, with_other_facts, without_receipt
from generations.prove.proof import Counts, Found, Proof
from generations.prove.ranges import (
    OrgRows,
    bucket_ranges,
    fact_ranges,
    hour_ranges,
    offset_ranges,
    orgs_of,
    session_ranges,
)
from generations.prove.recount import recount
from generations.prove.rows import Compared, compare, join_hours
from generations.prove.tables import (
    AMOUNTS,
    BY_ORG,
    BY_SESSION,
    DEAD_LETTERS,
    FACTS,
    RECEIPTS,
    SESSIONS,
    AnyRange,
    Sums,
    Table,
)
from store.generations import Generation
from store.reading.reader import GenerationReader, Reader

OnProgress = Callable[[float, str], None]  # the share that is done, 0 to 1, and what is compared
PAUSE_S = 0.2
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
        both = GenerationReader(reader, live), GenerationReader(reader, generation)
        self._pair = Pair(*both, pause or partial(asyncio.sleep, PAUSE_S))
        self._on_progress = on_progress

    async def run(self) -> Proof:
        """Compare everything. Raises `StoreUnavailable`."""
        counts = Counts()
        self._pins = await self._pair.settled()
        self._words_since = await self._pair.words_since(len(self._pins))
        self._orgs = {table.name: await orgs_of(self._pair.each, table.name) for table in BY_ORG}
        self._done, self._expected = 0.0, self._work()
        async for found in self._compare():
            counts.add(found)
        for one in self._pair.each:
            counts.add_recount(await self._recount(one))
        self._on_progress(1.0, "done")
        return counts.proof(self._pair.proved.name, self._pair.live.name, self._pins)

    async def _compare(self) -> AsyncIterator[Found]:
        """Do steps 2 to 4."""
        facts, receipts = ([Blocks() for _ in self._pair.each] for _ in range(2))
        versioned = () if self._pair.is_one else (SESSIONS, AMOUNTS, *BY_SESSION)
        steps = [self._facts(facts), self._receipts(receipts), self._receipts_with_facts(receipts, facts)]
        for step in (*steps, *map(self._versioned, versioned), self._dead_letters()):
            async for found in step:
                yield found

    async def _facts(self, blocks: Sequence[Blocks]) -> AsyncIterator[Found]:
        async for part, rows in fact_ranges(self._orgs[FACTS.name], self._pins, self._words_since):
            sums = await self._sums(FACTS, part)
            add_each(blocks, sums)
            async for found in self._between(FACTS, part, sums):
                yield found
            yield Found({"fact_bytes": sum(row.bytes for row in sums[0])})
            self._advance(FACTS, rows)

    async def _receipts(self, blocks: Sequence[Blocks]) -> AsyncIterator[Found]:
        for part, rows in offset_ranges(self._pins):
            sums = await self._sums(RECEIPTS, part)
            add_each(blocks, sums)
            async for found in self._between(RECEIPTS, part, sums):
                yield found
            yield Found(rows=await without_receipt(self._pair, part, sums))
            self._advance(RECEIPTS, rows)

    async def _receipts_with_facts(self, receipts: Sequence[Blocks], facts: Sequence[Blocks]) -> AsyncIterator[Found]:
        for one, *blocks in zip(self._pair.each, receipts, facts, strict=True):
            async for rows in with_other_facts(one, self._pair.pause, self._pins, *blocks):
                yield Found(rows=rows)

    async def _versioned(self, table: Table) -> AsyncIterator[Found]:
        """Compare a table whose rows are replaced by newer ones."""
        compared = self._in_ranges(table)
        async for found in self._found(table, join_hours(compared) if table is SESSIONS else compared):
            yield found

    async def _in_ranges(self, table: Table) -> AsyncIterator[Compared]:
        orgs = self._orgs[table.name]
        cut = {SESSIONS.name: hour_ranges, AMOUNTS.name: bucket_ranges}.get(table.name)
        async for part, rows in cut(orgs) if cut else session_ranges(orgs, table.name):
            async for compared in compare(self._pair, table, part, await self._sums(table, part)):
                yield compared
            self._advance(table, rows)

    async def _dead_letters(self) -> AsyncIterator[Found]:
        for part, rows in offset_ranges(self._pins):
            async for found in self._between(DEAD_LETTERS, part, await self._sums(DEAD_LETTERS, part)):
                yield found
            yield Found(rows=await with_other_dead_letters(self._pair, part))
            self._advance(DEAD_LETTERS, rows)

    async def _sums(self, table: Table, part: AnyRange) -> list[list[Sums]]:
        return [await one.ask(table.sums, part) for one in self._pair.each]

    def _between(self, table: Table, part: AnyRange, sums: Sequence[Sequence[Sums]]) -> AsyncIterator[Found]:
        return self._found(table, compare(self._pair, table, part, sums))

    async def _found(self, table: Table, compared: AsyncIterator[Compared]) -> AsyncIterator[Found]:
        async for rows, moving, pairs in compared:
            different = await self._pair.dated([different_row(table, pair) for pair in pairs])
            yield Found({table.name: rows}, {table.name: moving}, different)

    async def _recount(self, one: GenerationReader) -> Found:
        work, before = RECOUNT_WEIGHT * _rows(self._orgs[FACTS.name]), self._done

        def advance(share: float) -> None:
            self._done = before + share * work
            self._report(f"recount of {one.name}")

        return await recount(one, self._pair, advance)

    def _work(self) -> float:
        """Return the work to do, in facts."""
        by_org = sum(table.weight * _rows(self._orgs[table.name]) for table in BY_ORG)
        by_offset = (RECEIPTS.weight + DEAD_LETTERS.weight) * sum(self._pins)
        return by_org + by_offset + RECOUNT_WEIGHT * len(self._pair.each) * _rows(self._orgs[FACTS.name])

    def _advance(self, table: Table, rows: int) -> None:
        self._done += table.weight * rows
        self._report(table.name)

    def _report(self, what: str) -> None:
        self._on_progress(min(1.0, self._done / max(1.0, self._expected)), what)


def _rows(orgs: list[OrgRows]) -> int:
    return sum(org.rows for org in orgs)
