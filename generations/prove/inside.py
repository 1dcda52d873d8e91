"""Checks one generation against itself: each position has a receipt, and each receipt its facts or its dead letter."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from audit.confirm import Comparison, confirmed_differences
from generations.prove.between import rows_of
from generations.prove.places import Places
from generations.prove.questions import DEAD_RECEIPTS, RECEIPT_FACTS, OffsetRange, PlacedSums, Positions
from generations.prove.ranges import OrgRows, block_of, fact_ranges, offset_ranges, positions
from generations.prove.sides import Side, Sides
from generations.prove.tables import FACTS, RECEIPTS
from generations.prove.tally import Tally
from schemas.log.position import Position

POSITIONS_PER_QUESTION = 2_000


class Wrong(NamedTuple):
    """A column that is wrong at a position of the log: it holds ``stored``, a count gives ``recounted``."""

    position: Position
    table: str
    column: str
    stored: int
    recounted: int
    org_id: str | None = None
    session_id: str | None = None
    day: str | None = None


class Inside:
    """Checks the generations of a proof, each against itself, at the positions of the log below the pins."""

    def __init__(self, sides: Sides, tally: Tally, pins: list[int]) -> None:
        self._sides, self._tally, self._pins = sides, tally, pins
        self._facts = {side: Places() for side in sides.each}
        self._receipts = {side: Places() for side in sides.each}
        self._incomplete: set[tuple[Side, int]] = set()  # blocks in which a generation lacks receipts

    def add_facts(self, sums: Sequence[Sequence[PlacedSums]]) -> None:
        """Take the sums of a range of facts in each generation."""
        for side, rows in zip(self._sides.each, sums, strict=True):
            self._facts[side].add(rows)
        self._tally.compared["fact_bytes"] += sum(row.bytes for row in sums[0])

    async def add_receipts(self, part: OffsetRange, sums: Sequence[Sequence[PlacedSums]]) -> None:
        """Take the sums of a range of receipts in each generation; note the positions that lack one in all of them."""
        due = _positions_by_block(part)
        holes: set[int] = set()
        for side, rows in zip(self._sides.each, sums, strict=True):
            self._receipts[side].add(rows)
            found = {row.bucket: row.found for row in rows}
            lacking = {block for block, count in due.items() if found.get(block, 0) < count}
            self._incomplete.update((side, block) for block in lacking)
            holes = lacking if side is self._sides.each[0] else holes & lacking
        if holes:
            wrong = await self._confirmed(partial(self._without_receipt, part, sorted(holes)))
            for side in self._sides.each:
                self._note(side, wrong)

    async def check_facts(self, orgs: Sequence[OrgRows]) -> None:
        """Compare what receipts claim with the facts at their positions, which are those of ``orgs``."""
        for side in self._sides.each:
            blocks = self._receipts[side].differing(self._facts[side])
            unexplained = [block for block in blocks if not await self._explain(side, block)]
            if unexplained:
                await self._compare_again(side, orgs, unexplained)

    async def check_dead_letters(self, part: OffsetRange) -> None:
        """Compare the dead letters of a range with its receipts."""
        params = Positions(part.since, part.until, self._pins)
        for side in self._sides.each:
            self._note(side, await self._confirmed(partial(_wrong_dead_letters, side, params)))

    async def _explain(self, side: Side, block: int) -> bool:
        """Note the receipts of a block that claim other facts; return whether they, or missing ones, explain it."""
        size = block_of(self._pins)
        since, until = block * size, (block + 1) * size
        step = max(1, POSITIONS_PER_QUESTION // len(self._pins))
        found = 0
        for start in range(since, until, step):
            params = Positions(start, min(until, start + step), self._pins)
            wrong = await self._confirmed(partial(_wrong_receipts, side, params))
            self._note(side, wrong)
            found += len(wrong)
        return bool(found) or (side, block) in self._incomplete

    async def _compare_again(self, side: Side, orgs: Sequence[OrgRows], blocks: Sequence[int]) -> None:
        """Note blocks whose sums differ in a second reading, too: facts that are not of the receipts' sessions."""
        facts, receipts = Places(), Places()
        async for part, _ in fact_ranges(orgs, self._pins):
            facts.add(await side.ask(FACTS.questions.sums, part))
        for part, _ in offset_ranges(self._pins):
            receipts.add(await side.ask(RECEIPTS.questions.sums, part))
        size = block_of(self._pins)
        for block in sorted(set(blocks) & set(receipts.differing(facts))):
            key = {"offsets": f"{block * size} to {(block + 1) * size - 1} of all partitions"}
            added = receipts.added(block), facts.added(block)
            self._tally.note_inside(side.generation.name, "receipts", key, None, "added", *added)

    async def _without_receipt(self, part: OffsetRange, blocks: Sequence[int]) -> list[Wrong]:
        """Return the positions of these blocks that have a receipt in no generation."""
        present = {
            Position(*map(int, row.row_key))
            for side in self._sides.each
            for row in await rows_of(side, RECEIPTS, part, blocks)
        }
        wanted = set(blocks)
        return [
            Wrong(Position(partition, offset), "receipts", "rows", 0, 1)
            for partition, offsets in enumerate(positions(part.pins, part.since, part.until))
            for offset in offsets
            if offset // part.block in wanted and Position(partition, offset) not in present
        ]

    async def _confirmed(self, read: Callable[[], Awaitable[list[Wrong]]]) -> list[Wrong]:
        """Return what is wrong in two readings, the second begun after the first ended."""

        async def compare(_keys: Sequence[Position] = ()) -> Comparison[Wrong, Position]:
            lines = await read()
            return Comparison(0, 0, [], len(lines), lines)

        return (await confirmed_differences(await compare(), _position_of, compare, self._sides.pause)).lines

    def _note(self, side: Side, wrong: Sequence[Wrong]) -> None:
        for one in wrong:
            key = {"position": str(one.position), "org_id": one.org_id, "session_id": one.session_id}
            values = one.column, one.stored, one.recounted
            self._tally.note_inside(side.generation.name, one.table, key, one.day, *values)


async def _wrong_receipts(side: Side, params: Positions) -> list[Wrong]:
    return [
        Wrong(
            Position(row.log_partition, row.log_offset),
            *("receipts", "added", row.added, row.facts, row.org_id, str(row.session_id), row.day),
        )
        for row in await side.ask(RECEIPT_FACTS, params)
    ]


async def _wrong_dead_letters(side: Side, params: Positions) -> list[Wrong]:
    return [
        Wrong(
            Position(row.log_partition, row.log_offset), "dead_letters", "rows", row.letters, row.is_dead, day=row.day
        )
        for row in await side.ask(DEAD_RECEIPTS, params)
    ]


def _positions_by_block(part: OffsetRange) -> dict[int, int]:
    """Return how many positions of each block are in the range."""
    counts: dict[int, int] = {}
    for offsets in positions(part.pins, part.since, part.until):
        for block in range(offsets.start // part.block, -(-offsets.stop // part.block) if offsets else 0):
            inside = min(offsets.stop, (block + 1) * part.block) - max(offsets.start, block * part.block)
            counts[block] = counts.get(block, 0) + inside
    return counts


def _position_of(wrong: Wrong) -> Position:
    return wrong.position
