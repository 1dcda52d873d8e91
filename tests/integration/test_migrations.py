"""Numbered DDL on tables that hold something already: nothing is lost, and nothing old comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.store import TestStore, chdb_address, new_store

from bench.query_data import Data, fill_tables
from deploy.provision import migrations

GRANULES = next(file for file in migrations("generation") if file.number == 7)
DATA = Data(sessions=3_000, days=2, users=5)
ROWS = "SELECT count() AS n, sum(cityHash64(tuple(*))) AS content FROM sessions FINAL"


@pytest.fixture
def filled(chdb_folder: Path) -> Iterator[TestStore]:
    """A store whose sessions fill several granules."""
    for store in new_store(chdb_address(chdb_folder), 1):
        store.client.database = store.database
        fill_tables(store.client, store.warehouse(), DATA)
        yield store


def test_sessions_are_the_same_in_small_granules(filled: TestStore) -> None:
    """The table is made anew with everything that it held, however often."""
    before = filled.rows(ROWS)

    for _ in range(2):
        for statement in filter(str.strip, GRANULES.text.split(";\n")):
            filled.client.command(statement)

        assert filled.rows(ROWS) == before
        assert filled.rows("EXISTS TABLE sessions_in_small_granules") == [{"result": 0}]
    assert "index_granularity = 512" in str(filled.client.command("SHOW CREATE TABLE sessions"))
