"""Rights on the store server: credentials and read-only users."""

import base64
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.rigs.served_store import Served, ask

pytest_plugins = ["tests.support.rigs.store_server_fixtures"]


def test_wrong_credentials_are_refused(served: Served) -> None:
    """No credential is 401, a wrong one 403; both have code 516, and no reply has a password."""
    wrong = base64.b64encode(b"writer:guess-1").decode()
    for login, status in (
        ({}, 401),
        ({"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "guess-1"}, 403),
        ({"X-ClickHouse-User": "", "X-ClickHouse-Key": ""}, 403),
        ({"Authorization": f"Basic {wrong}"}, 403),
        ({"Authorization": "Basic !"}, 403),
    ):
        got, headers, body = ask(served, "SELECT 1", login=login)
        assert (got, headers["X-ClickHouse-Exception-Code"]) == (status, "516")
        assert b"guess-1" not in body
    with pytest.raises(DatabaseError) as refused:
        served.client(password="guess-1")
    assert refused.value.code == 516


def test_every_way_to_say_who_one_is(served: Served) -> None:
    """Basic authentication, ClickHouse's headers and parameters are the same."""
    basic = base64.b64encode(b"reader:r:secret").decode()

    assert ask(served, "SELECT 1", login={"Authorization": f"Basic {basic}"})[2] == b"1\n"
    assert ask(served, "SELECT 1", login={}, user="reader", password="r:secret")[2] == b"1\n"


WRITES = [
    "INSERT INTO {t} VALUES (1, 'x')",
    "INSERT INTO {t} SELECT 1, 'x'",
    "/* SELECT */ INSERT INTO {t} FORMAT TSV\n1\tx\n",
    "WITH 1 AS a INSERT INTO {t} SELECT a, 'x'",
    "CREATE TABLE other (a UInt8) ENGINE = Memory",
    "DROP TABLE {t}",
    "TRUNCATE TABLE {t}",
    "ALTER TABLE {t} DELETE WHERE 1",
    "DELETE FROM {t} WHERE 1",
    "OPTIMIZE TABLE {t}",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
]


@pytest.mark.parametrize("sql", WRITES)
def test_a_readonly_user_changes_nothing(reader: Any, client: Any, table: str, sql: str) -> None:
    """Writes, DDL and lifting the restriction are refused with 164, by the engine's own `readonly`."""
    client.command(f"INSERT INTO {table} VALUES (5, 'stored')")
    with pytest.raises(DatabaseError) as refused:
        reader.command(sql.format(t=table))

    assert refused.value.code == 164
    assert client.query(f"SELECT * FROM {table}").result_rows == [(5, "stored")]


def test_a_readonly_user_reads_and_sets(served: Served, reader: Any, table: str) -> None:
    """It may read, bind values and change settings, except `readonly`; a raw insert or GET changes nothing."""
    assert reader.query(f"SELECT count() FROM {table}", settings={"max_threads": 1}).first_row == (0,)
    with pytest.raises(DatabaseError):
        reader.query("SELECT 1", settings={"readonly": 0})
    with pytest.raises(DatabaseError):
        reader.raw_insert(table, None, b"1\tx\n", fmt="TSV")
    assert ask(served, method="GET", query=f"INSERT INTO t.{table} VALUES (1, 'x')")[0] == 500
    assert ask(served, method="GET", query=f"SELECT count() FROM t.{table}")[2] == b"0\n"
