"""Compares the rows of two generations. Pure.

Rows with equal hashes are equal. A row that is replaced by newer versions may be ahead in one generation: if a version
is beyond the settled offset of its partition, the other generation may still receive it, so the row is *moving*. Equal
versions must have equal content at any time.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from audit.confirm import Comparison
from generations.prove.proof import Changed, DifferentRow, Key, Value
from generations.prove.tables import OF_RECORD, OF_SESSION, ContentRow, Sums, Table

RowKey = tuple[str, ...]
Place = tuple[RowKey, tuple[int, ...]]  # a key with its bucket in each generation: a fact may be at another offset
_TIMES = ("_at", "_hour", "timestamp")
_DAY = len("2026-01-31")


class Unequal(NamedTuple):
    """A key with different hashes in the two generations; ``None`` where there is no such row."""

    key: RowKey
    buckets: tuple[int, ...]
    live: int | None
    proved: int | None


class RowPair(NamedTuple):
    """Two rows that differ, with all their columns; ``None`` where there is no such row."""

    key: RowKey
    live: ContentRow | None
    proved: ContentRow | None

    @property
    def is_whole(self) -> bool:
        return self.live is not None and self.proved is not None

    def joined(self, other: "RowPair | None") -> "RowPair":
        """Return the pair, with the row that it lacks from ``other``."""
        return self if other is None else RowPair(self.key, self.live or other.live, self.proved or other.proved)


def unequal_buckets(live: Iterable[Sums], proved: Iterable[Sums]) -> list[int]:
    one, other = ({row.bucket: row for row in rows} for rows in (live, proved))
    return sorted(bucket for bucket in one.keys() | other.keys() if one.get(bucket) != other.get(bucket))


def compare_rows(
    live: Iterable[ContentRow], proved: Iterable[ContentRow], settled: Sequence[int], versioned: bool
) -> Comparison[Unequal, Place]:
    one, other = ({row.row_key: row for row in rows} for rows in (live, proved))
    unequal: list[Unequal] = []
    moving: list[Place] = []
    for key in sorted(one.keys() | other.keys()):
        pair = one.get(key), other.get(key)
        present = [row for row in pair if row is not None]
        if len(present) == len(pair) and present[0].content == present[1].content:
            continue
        buckets = tuple(row.bucket for row in present)
        if versioned and _may_move(present, settled):
            moving.append((key, buckets))
        else:
            unequal.append(Unequal(key, buckets, *(None if row is None else row.content for row in pair)))
    return Comparison(len(one), len(moving), moving, len(unequal), unequal)


def _may_move(rows: Sequence[ContentRow], settled: Sequence[int]) -> bool:
    if len(rows) > 1 and rows[0].row_version == rows[1].row_version:
        return False
    return any(row.row_partition >= len(settled) or row.row_version > settled[row.row_partition] for row in rows)


def unchanged_pairs(
    unequal: Sequence[Unequal], live: Iterable[ContentRow], proved: Iterable[ContentRow]
) -> list[RowPair]:
    """Return the rows of these keys, without those whose hashes are no longer the ones that were compared."""
    one, other = _by_content(live), _by_content(proved)
    pairs = [RowPair(line.key, one.get((line.key, line.live)), other.get((line.key, line.proved))) for line in unequal]
    return [pair for line, pair in zip(unequal, pairs, strict=True) if _presence(pair) == _presence(line)]


def _by_content(rows: Iterable[ContentRow]) -> dict[tuple[RowKey, int | None], ContentRow]:
    return {(row.row_key, row.content): row for row in rows}


def _presence(of: Unequal | RowPair) -> tuple[bool, bool]:
    return of.live is not None, of.proved is not None


def different_row(table: Table, pair: RowPair) -> DifferentRow:
    """Return the columns that differ, and what identifies the row to people: its key and its day, if it has one."""
    rows = [row for row in (pair.live, pair.proved) if row is not None]
    cells = [dict(zip(table.columns, row.cells, strict=True)) for row in rows]
    day = next((cell[:_DAY] for row in cells for name in table.day if (cell := row[name])), None)
    key: Key
    if table.key == OF_RECORD:  # with the org and session of the record, if they are known
        key = ("position", ":".join(pair.key)), *((name, cells[0].get(name) or None) for name in OF_SESSION)
    else:
        key = tuple((name, part) for name, part in zip(table.key, pair.key, strict=True) if name != "started_hour")
    return DifferentRow(table.name, key, day, changed_columns(table, pair))


def changed_columns(table: Table, pair: RowPair) -> tuple[Changed, ...]:
    """Return the columns that differ; if a generation has no such row, the column ``rows``."""
    live, proved = pair.live, pair.proved
    if live is None or proved is None:
        return (Changed("rows", int(live is not None), int(proved is not None)),)
    cells = zip(table.columns, live.cells, proved.cells, strict=True)
    found = [Changed(name, value_of(table, name, a), value_of(table, name, b)) for name, a, b in cells if a != b]
    return tuple(found) or (Changed("hash", f"{live.content:016x}", f"{proved.content:016x}"),)


def value_of(table: Table, column: str, text: str | None) -> Value:
    """Return the value of a column from its text in the store: numbers as numbers, times as RFC 3339."""
    if text is None:
        return None
    if column.endswith(_TIMES):
        return text.replace(" ", "T") + "Z"
    kind = table.kinds[column]
    if kind is bool:
        return text == "true"
    return int(text) if kind in (int, int | None) else text
