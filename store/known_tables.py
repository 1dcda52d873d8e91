"""Compare the tables of this code's migrations with those of a store that a newer version has migrated.

A newer version may add tables and columns. This code names its columns, so it never reads the added ones. The columns
that it uses must exist with their known types, and an insert that omits an added column must succeed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_COMMENT = re.compile(r"--[^\n]*")
_CREATE = re.compile(
    r"CREATE TABLE IF NOT EXISTS (\w+)\s*(?:\((.*)\)|AS (\w+))\s*ENGINE\b.*?ORDER BY (\([^)]*\)|\w+)", re.DOTALL
)
_DROP = re.compile(r"DROP TABLE IF EXISTS (\w+)")
_ALTER = re.compile(r"ALTER TABLE (\w+)\s+(ADD COLUMN .*)", re.DOTALL)
_COLUMN = re.compile(
    r"(?:ADD COLUMN (?:IF NOT EXISTS )?)?(\w+)\s+(.+?)"
    r"(?:\s+(?:DEFAULT|MATERIALIZED|ALIAS|CODEC|TTL|COMMENT|AFTER|FIRST)\b.*)?$",
    re.DOTALL,
)
_NO_COLUMNS = ("INDEX ", "CONSTRAINT ", "PROJECTION ", "ADD INDEX ")
FILLED_BY_THE_STORE = frozenset({"DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"})


class KnownTable(NamedTuple):
    """Types of columns by name, and the sorting key; both without spaces."""

    columns: dict[str, str]
    sorting_key: str


class FoundColumn(NamedTuple):
    """A row of `system.columns`."""

    name: str
    type: str
    default_kind: str


def known_tables(migrations: Iterable[str]) -> dict[str, KnownTable]:
    """Return the tables that these numbered files create, by name."""
    tables: dict[str, KnownTable] = {}
    for statement in (part for text in migrations for part in _COMMENT.sub("", text).split(";\n")):
        if made := _CREATE.search(statement):
            name, body, like, key = made.groups()
            columns = tables[like].columns if like else dict(_columns(body))
            tables[name] = KnownTable(columns, _bare(key).strip("()"))
        elif dropped := _DROP.search(statement):
            tables.pop(dropped[1])
        elif altered := _ALTER.search(statement):
            tables[altered[1]].columns.update(_columns(altered[2]))
    return tables


def first_difference(
    known: Mapping[str, KnownTable], found: Mapping[str, Iterable[FoundColumn]], sorting_keys: Mapping[str, str]
) -> str | None:
    """Return the first difference that breaks this code; None if tables and columns were only added."""
    for name, table in sorted(known.items()):
        for difference in _differences(name, table, found.get(name, ()), sorting_keys.get(name, "")):
            return difference
    return None


def _differences(name: str, table: KnownTable, found: Iterable[FoundColumn], sorting_key: str) -> Iterator[str]:
    there = {column.name: column for column in found}
    for column, type_ in table.columns.items():
        if column not in there:
            yield f"{name} has no column {column}"
        elif _bare(there[column].type) != type_:
            yield f"column {column} of {name} is {there[column].type}"
        elif there[column].default_kind not in ("", "DEFAULT"):
            yield f"column {column} of {name} can't be written any more"
    for column in there.keys() - table.columns.keys():
        if there[column].default_kind not in FILLED_BY_THE_STORE:
            yield f"column {column} of {name} was added without a default"
    if _bare(sorting_key) != table.sorting_key:
        yield f"{name} is sorted by {sorting_key}"


def _columns(body: str) -> Iterator[tuple[str, str]]:
    for part in _at_commas(body):
        if not part.startswith(_NO_COLUMNS) and (column := _COLUMN.match(part)):
            yield column[1], _bare(column[2])


def _at_commas(body: str) -> Iterator[str]:
    """Split at the commas that are outside brackets."""
    depth, start = 0, 0
    for i, character in enumerate(body):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield body[start:i].strip()
            start = i + 1
    yield body[start:].strip()


def _bare(text: str) -> str:
    return "".join(text.split())
