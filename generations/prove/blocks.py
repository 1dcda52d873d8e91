"""Finds the blocks of log offsets in which a generation contradicts itself, from sums. Pure.

A block lacks receipts if it has fewer than positions. Facts are compared with what receipts say without joining them:
the hash of a position is added once for each of its facts. In `facts` that happens in the order of sessions; in
`receipts`, where it is multiplied by `added`, in the order of the log.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from generations.prove.questions import OffsetRange, Sums
from generations.prove.ranges import positions

_MODULUS = 1 << 64  # of the store's sums


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
