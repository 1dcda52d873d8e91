"""Counts what was compared and what differs, and makes the proof from it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from audit.differences import Difference as Recounted
from generations.prove.compare import Changed
from generations.prove.proof import ColumnCount, DayCount, Difference, Proof, Value

LISTED_MAX = 1_000
DAYS_MAX = 10_000

Key = Mapping[str, str | None]


class Tally:
    """The counts of one proof. A list that is cut is cut after the first differences found."""

    def __init__(self) -> None:
        self.compared: Counter[str] = Counter()
        self.moving: Counter[str] = Counter()
        self.is_cut = False
        self._differences: list[Difference] = []
        self._rows: Counter[tuple[str, str, str | None]] = Counter()
        self._orgs: dict[tuple[str, str, str | None], set[str | None]] = {}
        self._days: Counter[tuple[str, str | None, str | None]] = Counter()
        self._inside: set[tuple[str, str, tuple[str | None, ...]]] = set()

    def note_between(self, table: str, key: Key, day: str | None, changed: Sequence[Changed]) -> None:
        """Note a row that differs between the generations."""
        for column, live, proved in changed:
            self._count(table, column, None, key)
            self._list(Difference(table=table, key=dict(key), day=day, column=column, live=live, proved=proved))
        self._days[table, key.get("org_id"), day] += 1

    def note_inside(
        self, generation: str, table: str, key: Key, day: str | None, column: str, stored: Value, recounted: Value
    ) -> None:
        """Note a column that differs from its recount inside a generation."""
        self._count(table, column, generation, key)
        row = generation, table, tuple(key.values())
        if row not in self._inside:
            self._inside.add(row)
            self._days[table, key.get("org_id"), day] += 1
        values = {"generation": generation, "stored": stored, "recounted": recounted}
        self._list(Difference(table=table, key=dict(key), day=day, column=column, **values))  # type: ignore[arg-type]

    def note_recounted(self, generation: str, found: Recounted, day: str | None) -> None:
        """Note a difference that the recount of a generation found."""
        self.note_inside(generation, found.table, found.key, day, found.column, found.stored, found.recounted)

    def note_moving_inside(self, counts: Mapping[str, int]) -> None:
        """Note rows that a recount could not compare. The same rows move in several checks, so the most counts."""
        for table, rows in counts.items():
            self.moving[table] = max(self.moving[table], rows)

    def proof(self, generation: str, compared_with: str, pins: list[int]) -> Proof:
        """Return what was found."""
        columns = [
            ColumnCount(table, column, rows, len(self._orgs[table, column, inside]), inside)
            for (table, column, inside), rows in self._rows.items()
        ]
        days = [DayCount(*place, rows) for place, rows in sorted(self._days.items(), key=_by_text)]
        return Proof(
            equal=not columns,
            generation=generation,
            compared_with=compared_with,
            pins=pins,
            compared=dict(self.compared),
            moving={table: rows for table, rows in self.moving.items() if rows},
            differences=self._differences,
            by_column=columns,
            by_day=days[:DAYS_MAX],
            truncated=self.is_cut or len(days) > DAYS_MAX,
        )

    def _count(self, table: str, column: str, generation: str | None, key: Key) -> None:
        self._rows[table, column, generation] += 1
        self._orgs.setdefault((table, column, generation), set()).add(key.get("org_id"))

    def _list(self, difference: Difference) -> None:
        if len(self._differences) < LISTED_MAX:
            self._differences.append(difference)
        else:
            self.is_cut = True


def _by_text(item: tuple[tuple[str, str | None, str | None], int]) -> tuple[str, str, str]:
    table, org_id, day = item[0]
    return table, day or "", org_id or ""
