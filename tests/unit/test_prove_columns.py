"""A proof compares every column of this code's rows."""

import re

import pytest

from generations.prove.tables import ALL, Table
from schemas.store import rows
from store.reading.statements import statement

PEOPLE_ONLY = {"stored_at"}
# What depends on the version of the code: of the fold, of the amounts, and whether a record's facts have words.
IGNORED = {"facts": "parsed", "amounts": "version", "receipts": "has_words"}
ERASED = re.escape(
    "(receipts.org_id, receipts.session_id) IN (SELECT org_id, session_id FROM erased) OR "
    "(receipts.log_partition, receipts.log_offset) IN (SELECT log_partition, erased_offset FROM erased_positions)"
)
WORDS = "if(log_offset >= {words_since:Array(UInt64)}[log_partition + 1], facts.words, '')"


def without_what_is_erased(text: str) -> str:
    """Return a question that reads the receipts of what is erased as they are stored."""
    return re.sub(rf"if\({ERASED}, (?:[^()]+|\w+\([^()]*\)), (receipts\.\w+)\)", r"\1", text)


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
@pytest.mark.parametrize("question", ["sums", "rows"])
def test_every_column_is_compared(table: Table, question: str) -> None:
    """Each question hashes the columns of the row struct, in their order, except what a version of the code decides."""
    text = statement(getattr(table, question).name)
    columns = [name for name in table.row.__struct_fields__ if name != IGNORED.get(table.name)]
    text = without_what_is_erased(text)
    read = {"words": WORDS} if table.name == "facts" else {}

    hashes = ", ".join(f"ifNull(cityHash64({read.get(column, f'{table.name}.{column}')}), 0)" for column in columns)
    assert text.count(f"cityHash64([{hashes}])") == 1
    assert f"FROM {table.name} FINAL" in text
    assert list(table.columns) == columns
    assert not PEOPLE_ONLY & set(columns)


def test_a_hash_and_the_cells_have_the_same_columns() -> None:
    """A differing row would else show no difference, or that of another column."""
    for table in ALL:
        text = statement(table.rows.name)
        plain = without_what_is_erased(text).replace(WORDS, "facts.words")
        hashed, cells = (re.findall(rf"{of}\({table.name}\.(\w+)\)", plain) for of in ("cityHash64", "toString"))

        assert hashed == cells[-len(hashed) :] == list(table.columns)


def test_every_table_with_rows_of_the_log_is_compared() -> None:
    """All but those that say how far tables are, what is erased, and the saved states, which depend on the batches."""
    structs = {value for name, value in vars(rows).items() if name.endswith("Row")}

    marks = {rows.ProgressRow, rows.RollupProgressRow, rows.DenseReceiptsRow, rows.SweptRow}
    erased = {rows.ErasedRow, rows.ErasedPositionRow}
    assert structs - {table.row for table in ALL} == {*marks, *erased, rows.SessionStateRow}
    assert structs >= {table.row for table in ALL}
