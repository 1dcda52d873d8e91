"""Tables of a newer version: older code continues if they only grew, and otherwise refuses."""

from collections.abc import Iterator

import pytest

from prices.price_list import list_prices
from runtime.operations.provision_store import provision_store
from store.errors import Refused
from store.known_tables import known_tables
from store.migrate import check_migrated, migrations
from tests.support.rigs.store import Options, TestStore, new_address, new_store

TOMORROW = "INSERT INTO {db}.migrations (number, name, sha256) VALUES (999, '0999_tomorrow.sql', '')"
ADDED = [
    "ALTER TABLE {db}.sessions ADD COLUMN mood LowCardinality(String) DEFAULT 'calm' AFTER created",
    "ALTER TABLE {db}.facts ADD COLUMN weight UInt32 DEFAULT 1 FIRST",
    "ALTER TABLE {db}.facts ADD COLUMN day Date MATERIALIZED toDate(timestamp)",
    "ALTER TABLE {db}.tasks ADD COLUMN is_long Bool ALIAS duration_ms > 1000",
    "CREATE TABLE {db}.moods (mood String) ENGINE = MergeTree ORDER BY mood",
    "ALTER TABLE {db}.tasks ADD INDEX by_name name TYPE bloom_filter GRANULARITY 1",
    "ALTER TABLE {db}.dead_letters MODIFY COLUMN value CODEC(ZSTD(3))",
]
REFUSED = {
    "ALTER TABLE {db}.dead_letters DROP COLUMN value": "dead_letters has no column value",
    "ALTER TABLE {db}.progress RENAME COLUMN log_end TO end": "progress has no column log_end",
    "ALTER TABLE {db}.tasks MODIFY COLUMN tool_calls Int64": "column tool_calls of tasks is Int64",
    "ALTER TABLE {db}.sessions ADD COLUMN mood String": "column mood of sessions was added without a default",
    "ALTER TABLE {db}.tasks MODIFY COLUMN status MATERIALIZED 'x'": "column status of tasks can't be written any more",
    "CREATE OR REPLACE TABLE {db}.analyses ENGINE = ReplacingMergeTree(version) ORDER BY session_id"
    " AS SELECT * FROM {db}.analyses": "analyses is sorted by session_id",
    "DROP TABLE {db}.analyses SYNC": "analyses has no column",
}


@pytest.fixture
def own_store(engine: Options) -> Iterator[TestStore]:
    """Provide a store to alter."""
    yield from new_store(new_address(engine))


def alter(store: TestStore, *statements: str) -> None:
    """Change the generation as a newer `provision` would."""
    for statement in (*statements, TOMORROW):
        store.client.command(statement.replace("{db}", store.database))


@pytest.mark.parametrize("kind", ["control", "generation"])
def test_what_this_code_knows_of_its_tables_is_what_it_makes(kind: str, own_store: TestStore) -> None:
    """Every column type and every sorting key equals the engine's."""
    database = own_store.database if kind == "generation" else own_store.address.control
    known = known_tables(migration.text for migration in migrations(kind))

    columns = own_store.client.query(f"SELECT table, name, type FROM system.columns WHERE database = '{database}'")
    keys = own_store.client.query(
        f"SELECT name, sorting_key FROM system.tables WHERE database = '{database}' AND engine LIKE '%MergeTree'"
    )

    found = {(table, name): type_.replace(" ", "") for table, name, type_ in columns.result_rows if table in known}
    assert found == {(table, name): type_ for table in known for name, type_ in known[table].columns.items()}
    made = {name: key.replace(" ", "") for name, key in keys.result_rows if name != "migrations"}
    assert made == {name: table.sorting_key for name, table in known.items()}


def test_columns_that_were_added_are_no_reason_to_stop(own_store: TestStore) -> None:
    """Columns may be added anywhere in any number; `provision` of this code then adds nothing."""
    alter(own_store, *ADDED)

    check_migrated(own_store.address, "g1")

    with pytest.raises(Refused, match="has migration 999, newer than this code: run the version that made it"):
        provision_store(own_store.address, own_store.partitions, list_prices())


@pytest.mark.parametrize("statement", REFUSED)
def test_what_this_code_can_not_live_with_is_refused(statement: str, own_store: TestStore) -> None:
    """The message names table, column and remedy."""
    alter(own_store, statement)

    with pytest.raises(Refused) as refused:
        check_migrated(own_store.address, "g1")

    said = str(refused.value)
    assert said.startswith(f"{own_store.database} has migration 999, newer than this code, and {REFUSED[statement]}")
    assert said.endswith(": run the version that made it")


def test_a_newer_control_database_is_looked_at_as_well(own_store: TestStore) -> None:
    """It contains the prices and the generations."""
    control = own_store.address.control
    own_store.client.command(f"ALTER TABLE {control}.generations ADD COLUMN note String DEFAULT ''")
    own_store.client.command(TOMORROW.replace("{db}", control))
    check_migrated(own_store.address, "g1")

    own_store.client.command(f"ALTER TABLE {control}.generations DROP COLUMN prices_sha256")

    with pytest.raises(Refused, match="generations has no column prices_sha256"):
        check_migrated(own_store.address, "g1")
