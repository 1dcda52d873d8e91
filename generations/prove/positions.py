"""Checks the positions of the log inside a generation: each has a receipt, and each receipt its facts or dead letter.

All rows that are returned were wrong in two readings. Sums show in which blocks of log offsets a generation contradicts
itself. A block lacks receipts if it has fewer than positions. Facts are compared with what receipts say without joining
them: the hash of a position is added once for each of its facts. In `facts` that happens in the order of sessions; in
`receipts`, where it is multiplied by `added`, in the order of the log.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from msgspec import Struct

from audit.confirm import Comparison, Pause, confirmed_differences
from generations.prove.pair import Pair
from generations.prove.proof import Changed, DifferentRow, Key
from generations.prove.ranges import block_of, fact_ranges, offset_ranges, orgs_of, positions
from generations.prove.rows import rows_of
from generations.prove.tables import FACTS, RECEIPTS, OffsetRange, Positions, Sums
from schemas.log.position import Position
from store.reading.question import Question
from store.reading.reader import GenerationReader

POSITIONS_PER_QUESTION = 2_000
_MODULUS = 1 << 64  # of the store's sums


class ReceiptFactsRow(Struct, frozen=True):
    """A receipt that claims to have ``added`` another number of facts than there are."""

    log_partition: int
    log_offset: int
    org_id: str
    session_id: UUID
    day: str
    added: int
    facts: int


class DeadReceiptRow(Struct, frozen=True):
    """A receipt that disagrees with the dead letters."""

    log_partition: int
    log_offset: int
    day: str
    is_dead: int
    letters: int


RECEIPT_FACTS = Question("generations.prove.receipt_facts", Positions, ReceiptFactsRow)
DEAD_RECEIPTS = Question("generations.prove.dead_receipts", Positions, DeadReceiptRow)


class Blocks:
    """The sums of a table by block, added up over its ranges."""

    def __init__(self) -> None:
        self.found: Counter[int] = Counter()
        self.facts: Counter[int] = Counter()
        self._places: Counter[int] = Counter()

    def add(self, rows: Iterable[Sums]) -> None:
        for row in rows:
            self.found[row.bucket] += row.found
            self.facts[row.bucket] += row.facts_added
            self._places[row.bucket] += row.places

    def placed(self) -> dict[int, tuple[int, int]]:
        """Return, by block with facts, their number and the sum of their places."""
        return {block: (facts, self._places[block] % _MODULUS) for block, facts in self.facts.items() if facts}


def add_each(blocks: Sequence[Blocks], sums: Sequence[Sequence[Sums]]) -> None:
    """Add the sums of a range to the blocks, both by generation."""
    for of_one, rows in zip(blocks, sums, strict=True):
        of_one.add(rows)


def differing_blocks(receipts: Blocks, facts: Blocks) -> list[int]:
    """Return the blocks in which receipts claim other facts than there are, in order."""
    claimed, there = receipts.placed(), facts.placed()
    return sorted(block for block in claimed.keys() | there.keys() if claimed.get(block) != there.get(block))


def incomplete_blocks(part: OffsetRange, receipts: Mapping[int, int]) -> set[int]:
    """Return the blocks with fewer ``receipts`` than positions in the range."""
    return {block for block, count in positions_by_block(part).items() if receipts.get(block, 0) < count}


def positions_by_block(part: OffsetRange) -> dict[int, int]:
    """Return how many positions of each block are in the range."""
    counts: Counter[int] = Counter()
    for offsets in positions(part.pins, part.since, part.until):
        for block in range(offsets.start // part.block, -(-offsets.stop // part.block) if offsets else 0):
            counts[block] += min(offsets.stop, (block + 1) * part.block) - max(offsets.start, block * part.block)
    return counts


async def without_receipt(pair: Pair, part: OffsetRange, sums: Sequence[Sequence[Sums]]) -> list[DifferentRow]:
    """Return the positions of a range that have a receipt in no generation, for each generation."""
    incomplete = [incomplete_blocks(part, {row.bucket: row.found for row in rows}) for rows in sums]
    blocks = set.intersection(*incomplete)  # if only one lacks a receipt, the comparison with the other one shows it
    if not blocks:
        return []
    wrong = await _confirmed(partial(_without_receipt, pair, part, blocks), pair.pause)
    return [row._replace(generation=one.name) for one in pair.each for row in wrong]


async def with_other_facts(
    one: GenerationReader, pause: Pause, pins: list[int], receipts: Blocks, facts: Blocks
) -> AsyncIterator[list[DifferentRow]]:
    """Yield the receipts that claim another number of facts than there are at their positions.

    If no receipt explains why the sums of a block differ, its facts belong to other sessions than its receipts. The
    block is then yielded itself, if its sums still differ when they are read again.
    """
    explained = incomplete_blocks(OffsetRange(0, max(pins, default=0), pins, block_of(pins)), receipts.found)
    differing = differing_blocks(receipts, facts)
    for block in differing:
        size, step = block_of(pins), max(1, POSITIONS_PER_QUESTION // len(pins))
        until = (block + 1) * size
        for start in range(block * size, until, step):
            part = Positions(start, min(until, start + step), pins)
            wrong = await _confirmed(partial(_with_other_facts, one, part), pause)
            if wrong:
                explained.add(block)
            yield wrong
    if unexplained := set(differing) - explained:
        yield await _blocks_with_other_facts(one, pins, unexplained)


async def with_other_dead_letters(pair: Pair, part: OffsetRange) -> list[DifferentRow]:
    """Return the positions of a range whose receipt and dead letter disagree."""
    reads = [partial(_with_other_dead_letters, one, Positions(part.since, part.until, part.pins)) for one in pair.each]
    return [row for read in reads for row in await _confirmed(read, pair.pause)]


async def _confirmed(read: Callable[[], Awaitable[list[DifferentRow]]], pause: Pause) -> list[DifferentRow]:
    """Return the rows that two readings show, the second begun after the first ended."""

    async def compare(_keys: object = None) -> Comparison[DifferentRow, Key]:
        rows = await read()
        return Comparison(0, 0, [], len(rows), rows)

    return (await confirmed_differences(await compare(), lambda row: row.key, compare, pause)).lines


async def _without_receipt(pair: Pair, part: OffsetRange, blocks: set[int]) -> list[DifferentRow]:
    receipts = [row for one in pair.each for row in await rows_of(one, RECEIPTS, part, sorted(blocks))]
    present = {Position(*map(int, row.row_key)) for row in receipts}
    wanted = (
        Position(partition, offset)
        for partition, offsets in enumerate(positions(part.pins, part.since, part.until))
        for offset in offsets
        if offset // part.block in blocks
    )
    rows = (Changed("rows", 0, 1),)
    return [DifferentRow("receipts", _key(position), None, rows) for position in wanted if position not in present]


async def _with_other_facts(one: GenerationReader, part: Positions) -> list[DifferentRow]:
    found = []
    for row in await one.ask(RECEIPT_FACTS, part):
        key = _key(Position(row.log_partition, row.log_offset), row.org_id, str(row.session_id))
        found.append(DifferentRow("receipts", key, row.day, (Changed("added", row.added, row.facts),), one.name))
    return found


async def _with_other_dead_letters(one: GenerationReader, part: Positions) -> list[DifferentRow]:
    found = []
    for row in await one.ask(DEAD_RECEIPTS, part):
        key, rows = _key(Position(row.log_partition, row.log_offset)), Changed("rows", row.letters, row.is_dead)
        found.append(DifferentRow("dead_letters", key, row.day, (rows,), one.name))
    return found


async def _blocks_with_other_facts(one: GenerationReader, pins: list[int], blocks: set[int]) -> list[DifferentRow]:
    receipts, facts = Blocks(), Blocks()
    async for part, _ in fact_ranges(await orgs_of([one], FACTS.name), pins, [0] * len(pins)):
        facts.add(await one.ask(FACTS.sums, part))
    for offsets, _ in offset_ranges(pins):
        receipts.add(await one.ask(RECEIPTS.sums, offsets))
    found, size = [], block_of(pins)
    for block in sorted(blocks.intersection(differing_blocks(receipts, facts))):
        key = (("offsets", f"{block * size} to {(block + 1) * size - 1} of all partitions"),)
        added = Changed("added", receipts.facts[block], facts.facts[block])
        found.append(DifferentRow("receipts", key, None, (added,), one.name))
    return found


def _key(position: Position, org_id: str | None = None, session_id: str | None = None) -> Key:
    return ("position", str(position)), ("org_id", org_id), ("session_id", session_id)
