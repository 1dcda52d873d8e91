"""How often each family received which kind of response."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tests.fuzz.attackers import Tally

KINDS: Sequence[str] = ("2xx", "3xx", "4xx", "503", "5xx", "none")


class Score:
    """The counts of all families of a run."""

    def __init__(self) -> None:
        self._by_family: dict[str, Tally] = {}

    def add(self, new: Tally) -> None:
        """Add what a family did since its last report."""
        old = self._by_family.get(new.family, Tally(new.family, 0, Counter(), 0.0))
        statuses, slowest = old.statuses + new.statuses, max(old.slowest_s, new.slowest_s)
        self._by_family[new.family] = Tally(new.family, old.cases + new.cases, statuses, slowest)

    @property
    def cases(self) -> int:
        """Return how many cases were sent."""
        return sum(tally.cases for tally in self._by_family.values())

    def table(self) -> dict[str, dict[str, Any]]:
        """Return, by family: cases, responses by kind, and seconds of the slowest."""
        return {name: _row(tally) for name, tally in sorted(self._by_family.items())}

    def line(self) -> str:
        """Return a line about all families together, for people."""
        rows = self.table().values()
        counted = {kind: sum(row[kind] for row in rows) for kind in ("cases", *KINDS)}
        return ", ".join(f"{count:,} {kind}" for kind, count in counted.items() if count) or "nothing yet"


def _row(tally: Tally) -> dict[str, Any]:
    kinds = _by_kind(tally.statuses.items())
    return {"cases": tally.cases, **{kind: kinds[kind] for kind in KINDS}, "slowest_s": round(tally.slowest_s, 2)}


def _by_kind(statuses: Iterable[tuple[int, int]]) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for status, count in statuses:
        kinds[{0: "none", 503: "503"}.get(status, f"{status // 100}xx")] += count
    return kinds
