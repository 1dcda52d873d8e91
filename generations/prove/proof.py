"""What the steps of a proof find, the counts that it adds up to, and the proof as it is stored and served."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

LISTED_MAX = 1_000
DAYS_MAX = 10_000

Value = int | bool | str | None
Key = tuple[tuple[str, str | None], ...]  # the names and values of a row's key
Session = tuple[str, str]  # org and session id
Column = tuple[str, str, str | None]  # table, column, and the generation that contradicts itself
Day = tuple[str, str | None, str | None]  # table, org, and day


class Changed(NamedTuple):
    """A column and its two values: live and proved between two generations, stored and recounted inside one."""

    column: str
    first: Value
    second: Value


class DifferentRow(NamedTuple):
    """A row that differs between the generations, or with which the named ``generation`` contradicts itself.

    The column ``rows`` is the number of rows with that key.
    """

    table: str
    key: Key
    day: str | None
    columns: tuple[Changed, ...]
    generation: str | None = None

    @property
    def org_id(self) -> str | None:
        return dict(self.key).get("org_id")

    @property
    def session(self) -> Session | None:
        key = dict(self.key)
        org_id, session_id = key.get("org_id"), key.get("session_id")
        return (org_id, session_id) if org_id and session_id else None


class Found(NamedTuple):
    """What a step found in a part of a table; ``compared`` and ``moving`` count rows by table.

    Moving rows were being written at each reading, so they could not be compared. ``is_cut``: more rows differ.
    """

    compared: Mapping[str, int] = {}
    moving: Mapping[str, int] = {}
    rows: Sequence[DifferentRow] = ()
    is_cut: bool = False


class Difference(Struct, frozen=True, kw_only=True):
    """One column of one row that differs; the column ``rows`` is the number of rows with that key.

    Between two generations the values are ``live`` and ``proved``. Inside one ``generation`` they are ``stored`` and
    ``recounted``.
    """

    table: str
    key: dict[str, str | None]
    day: str | None
    column: str
    live: Value | UnsetType = UNSET
    proved: Value | UnsetType = UNSET
    generation: str | UnsetType = UNSET
    stored: Value | UnsetType = UNSET
    recounted: Value | UnsetType = UNSET


class ColumnCount(Struct, frozen=True):
    """In how many rows of how many orgs a column differs: between the generations, or inside the one that is named."""

    table: str
    column: str
    rows: int
    orgs: int
    generation: str | None = None


class DayCount(Struct, frozen=True):
    """How many rows of an org and a day differ; ``None`` where a row has no org, or no day."""

    table: str
    org_id: str | None
    day: str | None
    rows: int


class Proof(Struct, frozen=True):
    """Whether two generations are equal up to ``pins`` (by partition, the offset below which both are compared).

    ``compared`` counts rows by table, and ``fact_bytes``; ``moving`` counts rows that were being written at each
    reading, so that they could not be compared. At most 1,000 differences are listed, and 10,000 days; ``truncated``:
    there are more. The counts are of all, except that a recount inside a generation counts what it lists.
    """

    equal: bool
    generation: str
    compared_with: str
    pins: list[int]
    compared: dict[str, int]
    moving: dict[str, int]
    differences: list[Difference]
    by_column: list[ColumnCount]
    by_day: list[DayCount]
    truncated: bool


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
        days = [DayCount(*place, rows) for place, rows in self._days.items()]
        days.sort(key=lambda count: (count.table, count.day or "", count.org_id or ""))
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
