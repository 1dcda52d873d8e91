"""Counts what was compared and what differs, and makes the proof from it."""

from collections import Counter
from collections.abc import Mapping

from generations.prove.found import Changed, DifferentRow, Found
from generations.prove.proof import ColumnCount, DayCount, Difference, Proof

LISTED_MAX = 1_000
DAYS_MAX = 10_000

Column = tuple[str, str, str | None]  # table, column, and the generation that contradicts itself
Day = tuple[str, str | None, str | None]  # table, org, and day


class Counts:
    """The counts of one proof. It lists the first differences found, and counts all."""

    def __init__(self) -> None:
        self._compared: Counter[str] = Counter()
        self._moving: Counter[str] = Counter()
        self._is_cut = False
        self._listed: list[Difference] = []
        self._rows: Counter[Column] = Counter()
        self._orgs: dict[Column, set[str | None]] = {}
        self._days: Counter[Day] = Counter()

    def add(self, found: Found) -> None:
        """Count what was found in another part of a table."""
        self._compared.update(found.compared)
        self._moving.update(found.moving)
        self._add_rows(found)

    def add_recount(self, found: Found) -> None:
        """Count what a recount found. Several checks count the same rows, so the highest counts are kept."""
        _keep_highest(self._compared, found.compared)
        _keep_highest(self._moving, found.moving)
        self._add_rows(found)

    def proof(self, generation: str, compared_with: str, pins: list[int]) -> Proof:
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
            compared=dict(self._compared),
            moving={table: rows for table, rows in self._moving.items() if rows},
            differences=self._listed,
            by_column=columns,
            by_day=days[:DAYS_MAX],
            truncated=self._is_cut or len(days) > DAYS_MAX,
        )

    def _add_rows(self, found: Found) -> None:
        self._is_cut = self._is_cut or found.is_cut
        for row in found.rows:
            self._days[row.table, row.org_id, row.day] += 1
            for changed in row.columns:
                self._add_column(row, changed)

    def _add_column(self, row: DifferentRow, changed: Changed) -> None:
        column = row.table, changed.column, row.generation
        self._rows[column] += 1
        self._orgs.setdefault(column, set()).add(row.org_id)
        if len(self._listed) < LISTED_MAX:
            self._listed.append(_difference(row, changed))
        else:
            self._is_cut = True


def _difference(row: DifferentRow, changed: Changed) -> Difference:
    key, (column, first, second) = dict(row.key), changed
    if row.generation is None:
        return Difference(table=row.table, key=key, day=row.day, column=column, live=first, proved=second)
    values = {"generation": row.generation, "stored": first, "recounted": second}
    return Difference(table=row.table, key=key, day=row.day, column=column, **values)  # type: ignore[arg-type]


def _keep_highest(counts: Counter[str], others: Mapping[str, int]) -> None:
    for table, rows in others.items():
        counts[table] = max(counts[table], rows)


def _by_text(item: tuple[Day, int]) -> tuple[str, str, str]:
    table, org_id, day = item[0]
    return table, day or "", org_id or ""
