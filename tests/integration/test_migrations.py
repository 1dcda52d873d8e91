"""Numbered DDL on tables that hold something already: nothing is lost, and nothing old comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.store import TestStore, chdb_address, new_store

from bench.query_data import Data, fill_tables
from deploy.provision import migrations

GRANULES = {"sessions": 7, "events": 9}  # made anew by which file
DATA = Data(sessions=3_000, days=2, users=5, events=3_000)
ROWS = "SELECT count() AS n, sum(cityHash64(toString(tuple(*)))) AS content FROM {db}.%s FINAL"


@pytest.fixture
def filled(chdb_folder: Path) -> Iterator[TestStore]:
    """A store whose sessions fill several granules."""
    for store in new_store(chdb_address(chdb_folder), 1):
        store.client.database = store.database
        fill_tables(store.client, store.warehouse(), DATA)
        yield store


@pytest.mark.parametrize("table", GRANULES)
def test_a_table_is_the_same_in_small_granules(filled: TestStore, table: str) -> None:
    """It is made anew with everything that it held, however often."""
    before = filled.rows(ROWS % table)
    (file,) = (file for file in migrations("generation") if file.number == GRANULES[table])

    for _ in range(2):
        for statement in filter(str.strip, file.text.split(";\n")):
            filled.client.command(statement)

        assert filled.rows(ROWS % table) == before
        assert filled.rows(f"EXISTS TABLE {table}_in_small_granules") == [{"result": 0}]
    assert before[0]["n"] == 3_000
    assert "index_granularity = 512" in str(filled.client.command(f"SHOW CREATE TABLE {table}"))
