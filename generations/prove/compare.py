"""Compares the rows of two generations. Pure.

Rows with equal hashes are equal. A row that is replaced by newer versions may be ahead in one generation: if a version
is beyond the settled offset of its partition, the other generation may still receive it, so the row is *moving*. Equal
versions must have equal content at any time.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from audit.confirm import Comparison
from generations.prove.proof import Value
from generations.prove.questions import ContentRow, Sums
from generations.prove.tables import Table

Key = tuple[str, ...]
Place = tuple[Key, tuple[int, ...]]  # a key with its bucket in each generation: a fact may be at another offset
_TIMES = ("_at", "_hour", "timestamp")


class Line(NamedTuple):
    """A row that differs: its hash in each generation, ``None`` where there is no such row."""

    key: Key
    buckets: tuple[int, ...]
    live: int | None
    proved: int | None


class Changed(NamedTuple):
    """A column and its two values."""

    column: str
    live: Value
    proved: Value


def unequal_buckets(live: Iterable[Sums], proved: Iterable[Sums]) -> list[int]:
    """Return the buckets whose sums differ, in order."""
    one, other = ({row.bucket: row for row in rows} for rows in (live, proved))
    return sorted(bucket for bucket in one.keys() | other.keys() if one.get(bucket) != other.get(bucket))


def compare_rows(
    live: Iterable[ContentRow], proved: Iterable[ContentRow], settled: Sequence[int], versioned: bool
) -> Comparison[Line, Place]:
    """Return which rows differ, and which are moving."""
    one, other = ({row.row_key: row for row in rows} for rows in (live, proved))
    lines: list[Line] = []
    moving: list[Place] = []
    for key in sorted(one.keys() | other.keys()):
        pair = one.get(key), other.get(key)
        present = [row for row in pair if row is not None]
        if len({row.content for row in present}) == 1 and len(present) == len(pair):
            continue
        buckets = tuple(row.bucket for row in present)
        if versioned and _may_move(present, settled):
            moving.append((key, buckets))
        else:
            lines.append(Line(key, buckets, *(None if row is None else row.content for row in pair)))
    return Comparison(len(one), len(moving), moving, len(lines), lines)


def _may_move(rows: Sequence[ContentRow], settled: Sequence[int]) -> bool:
    have_equal_versions = len(rows) > 1 and rows[0].row_version == rows[1].row_version
    return not have_equal_versions and any(_is_beyond(row, settled) for row in rows)


def _is_beyond(row: ContentRow, settled: Sequence[int]) -> bool:
    return row.row_partition >= len(settled) or row.row_version > settled[row.row_partition]


def changed_columns(table: Table[Any], live: ContentRow | None, proved: ContentRow | None) -> list[Changed]:
    """Return the columns that differ; if a generation has no such row, the column ``rows``."""
    if live is None or proved is None:
        return [Changed("rows", int(live is not None), int(proved is not None))]
    cells = zip(table.columns, live.cells, proved.cells, strict=True)
    found = [Changed(name, value_of(table, name, a), value_of(table, name, b)) for name, a, b in cells if a != b]
    return found or [Changed("hash", f"{live.content:016x}", f"{proved.content:016x}")]


def value_of(table: Table[Any], column: str, text: str | None) -> Value:
    """Return the value of a column from its text in the store: numbers as numbers, times as RFC 3339."""
    if text is None:
        return None
    if column.endswith(_TIMES):
        return text.replace(" ", "T") + "Z"
    kind = table.kind(column)
    if kind is bool:
        return text == "true"
    return int(text) if kind in (int, int | None) else text
