"""A proof compares every column of this code's rows."""

import re

import pytest

from generations.prove.tables import ALL, MADE_BY_THE_FOLD_VERSION, Table
from schemas.store import rows
from store.reading.statements import statement
from store.sql import read_sql

PEOPLE_ONLY = {"stored_at"}


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_column_is_compared(table: Table) -> None:  # type: ignore[type-arg]  # of any sums
    """A column that is added to a row struct must be added to its list, in the same order; two are in no list."""
    text = read_sql("generations.prove", f"{table.name}_columns.include")

    assert tuple(re.findall(r"\w+", text)) == table.columns
    made = [name for name in table.row.__struct_fields__ if name != MADE_BY_THE_FOLD_VERSION]
    assert [*table.columns] == made
    assert not PEOPLE_ONLY & set(table.columns)


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_both_questions_hash_the_same_columns(table: Table) -> None:  # type: ignore[type-arg]  # of any sums
    """Sums and rows use the same definition of a row; a NULL column must not hide the others."""
    columns = read_sql("generations.prove", f"{table.name}_columns.include")
    hashed = f"cityHash64([COLUMNS(\n{columns}    ) APPLY(x -> ifNull(cityHash64(x), 0))])"

    for question in table.questions:
        text = statement(question.name)
        assert text.count(hashed) == 1
        assert f"FROM {table.name} FINAL" in text


def test_every_table_with_rows_of_the_log_is_compared() -> None:
    """All but three, which say how far the tables are, and the saved states, which depend on how batches were cut."""
    structs = {value for name, value in vars(rows).items() if name.endswith("Row")}

    marks = {rows.ProgressRow, rows.RollupProgressRow, rows.DenseReceiptsRow}
    assert structs - {table.row for table in ALL} == {*marks, rows.SessionStateRow}
    assert structs >= {table.row for table in ALL}
