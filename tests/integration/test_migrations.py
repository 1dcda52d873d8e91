"""Numbered DDL on tables that hold something already: nothing is lost, and nothing old comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.store import TestStore, chdb_address, new_store

from bench.query_data import Data, fill_rollups, fill_tables
from deploy.provision import migrations

GRANULES = {"sessions": 7, "events": 9}  # made anew by which file
DATA = Data(sessions=3_000, days=2, users=5, events=3_000)
ROLLUPS_FIRST, DICTIONARIES = 3, 10
ROLLUPS = "SELECT * FROM {db}.rollup_daily FINAL ORDER BY ALL"
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

    for _ in range(2):
        _apply(filled, GRANULES[table])

        assert filled.rows(ROWS % table) == before
        assert filled.rows(f"EXISTS TABLE {table}_in_small_granules") == [{"result": 0}]
    assert before[0]["n"] == 3_000
    assert "index_granularity = 512" in str(filled.client.command(f"SHOW CREATE TABLE {table}"))


def test_rollups_are_the_same_with_dictionaries(filled: TestStore) -> None:
    """Rows from before are read as they were, and a refresh makes the same rows as before."""
    for table in ("rollup_hourly", "rollup_daily"):
        filled.client.command(f"DROP TABLE {table} SYNC")
    _apply(filled, ROLLUPS_FIRST)
    fill_rollups(filled.warehouse(), DATA)
    before = filled.rows(ROLLUPS)

    _apply(filled, DICTIONARIES)

    assert filled.rows(ROLLUPS) == before
    fill_rollups(filled.warehouse(), DATA)
    filled.client.command("OPTIMIZE TABLE rollup_daily FINAL")
    assert filled.rows(ROLLUPS) == before


def _apply(store: TestStore, number: int) -> None:
    (file,) = (file for file in migrations("generation") if file.number == number)
    for statement in filter(str.strip, file.text.split(";\n")):
        store.client.command(statement)
