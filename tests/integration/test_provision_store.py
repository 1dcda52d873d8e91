"""`provision` on a store that we did not set up, and with a generation that it has dropped."""

from contextlib import closing
from typing import Any
from unittest.mock import patch

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from generations.jobs.table import add_job_event, load_jobs, new_job
from prices.price_list import list_prices
from runtime.operations.provision_store import provision_store
from store import connect as connecting
from store.connect import WRITE, connect
from store.errors import Refused
from store.generations import Generation, add_generation_event, load_generations
from store.migrate import _files, check_migrated, migrate, migrations
from tests.support.rigs.store import Options, TestStore, new_address, new_store


def test_databases_have_the_engine_of_the_server(engine: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """Managed services refuse a statement with an engine; elsewhere the default is Atomic."""
    said: list[str] = []
    connect = clickhouse_connect.get_client

    def listening(**options: Any) -> Any:
        client = connect(**options)
        command = client.command
        client.command = lambda sql, *rest, **named: (said.append(sql), command(sql, *rest, **named))[1]
        return client

    monkeypatch.setattr(connecting.clickhouse_connect, "get_client", listening)

    for store in new_store(new_address(engine)):
        engines = store.rows(
            "SELECT DISTINCT engine FROM system.databases WHERE startsWith(name, {name:String})",
            name=store.address.control,
        )

    made = [sql for sql in said if "CREATE DATABASE" in sql]
    assert len(made) == 2
    assert not any("ENGINE" in sql for sql in made)
    assert engines == [{"engine": "Atomic"}]


def test_a_generation_that_was_dropped_is_not_projected(store: TestStore) -> None:
    """The projector says so, instead of suggesting `provision`: a name is used only once."""
    check_migrated(store.address, "g1")
    with closing(connect(WRITE, **store.address.at(store.address.control))) as client:
        add_generation_event(client, Generation("g1", store.partitions), "dropped")
        client.command(f"DROP DATABASE {store.database}")

    with pytest.raises(Refused, match=r"^generation g1 was dropped: stop its projectors"):
        check_migrated(store.address, "g1")


def test_only_comments_of_a_migration_may_change_after_it_ran(store: TestStore) -> None:
    """A store made with other comments is accepted; one made with other text is refused."""
    database = store.address.control
    former = "863f45890c874e3c9121dbab70bd5d0c0a915a4d055dd54c0121a6110a515667"
    with closing(connect(WRITE, **store.address.at(database))) as client:
        for digest in (former, "0" * 64):
            client.command(
                f"ALTER TABLE migrations UPDATE sha256 = '{digest}' WHERE name = '0004_requests.sql'"
                " SETTINGS mutations_sync = 1"
            )
            if digest == former:
                assert migrate(store.address, database, "control") == []

    with pytest.raises(Refused, match=r"0004_requests\.sql was changed after it ran"):
        migrate(store.address, database, "control")


@pytest.mark.parametrize("ran", [11, None])
def test_a_new_database_whose_files_were_not_recorded_gets_them_all_again(store: TestStore, ran: int | None) -> None:
    """Its files are recorded together, at the end: a crash before that changes nothing about its tables."""
    database, files = f"{store.address.control}_crashed", _files("generation")
    with closing(connect(WRITE, **store.address.at("default"))) as client:
        with (
            patch("store.migrate._RECORD_SQL", "a crash"),
            patch("store.migrate._files", lambda kind: files[:ran]),
            pytest.raises(DatabaseError),
        ):
            migrate(store.address, database, "generation")

        again = migrate(store.address, database, "generation")

        found = _schema(store, database)
        client.command(f"DROP DATABASE {database} SYNC")
    assert [line.partition(": ")[2] for line in again] == [migration.name for migration in migrations("generation")]
    assert found == _schema(store, store.database)


def _schema(store: TestStore, database: str) -> list[str]:
    sql = f"SELECT create_table_query FROM system.tables WHERE database = '{database}' ORDER BY name"
    return [row["create_table_query"].replace(database, "g") for row in store.rows(sql)]


def test_of_replays_that_were_accepted_at_once_only_the_first_two_begin(store: TestStore) -> None:
    """Processes that accept jobs do not see each other's; the process that creates generations checks again."""
    with closing(connect(WRITE, **store.address.at(store.address.control))) as client:
        for name in ("g2", "g3", "g4", "g5"):
            add_job_event(client, new_job("replay", name, "olga"))

        provision_store(store.address, store.partitions, list_prices())

        made, jobs = load_generations(client), load_jobs(client)
        for name in ("g2", "g3"):
            client.command(f"DROP DATABASE {store.address.database(name)} SYNC")
    reasons = [job.failed and job.failed.report.text for job in jobs]
    assert [known.name for known in made] == ["g1", "g2", "g3"]
    assert reasons[:2] == [None, None]
    assert reasons[2] == reasons[3]
    assert str(reasons[2]).startswith("at most 2 generations may exist beside the live one, and g2 and g3 exist")
