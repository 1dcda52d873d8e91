"""Sums of the facts at log positions, which show whether receipts and facts agree without joining them. Pure.

The hash of a position is added once for each of its facts: on one side as the facts are read, in the order of sessions,
on the other side times `added` as the receipts are read, in the order of the log.
"""

from collections import Counter
from collections.abc import Iterable

from generations.prove.questions import PlacedSums

_MODULUS = 1 << 64  # of the store's sums


class Places:
    """The sums by block of offsets: of facts that are there, or of those that receipts claim."""

    def __init__(self) -> None:
        self._added: Counter[int] = Counter()
        self._hashes: Counter[int] = Counter()

    def add(self, rows: Iterable[PlacedSums]) -> None:
        """Add the sums of a range."""
        for row in rows:
            self._added[row.bucket] += row.facts_added
            self._hashes[row.bucket] = (self._hashes[row.bucket] + row.places) % _MODULUS

    def differing(self, other: "Places") -> list[int]:
        """Return the blocks on which two differ, in order."""
        one, more = self.by_block(), other.by_block()
        return sorted(block for block in one.keys() | more.keys() if one.get(block) != more.get(block))

    def added(self, block: int) -> int:
        """Return the number of facts in a block."""
        return self._added[block]

    def by_block(self) -> dict[int, tuple[int, int]]:
        """Return the sums of each block that has facts."""
        return {block: (added, self._hashes[block]) for block, added in self._added.items() if added}
