"""Users behave as on a real server: `readonly` 1 and 2, single tables to insert into, and unknown settings."""

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ProgrammingError

from devstack.store_server.users import StoreUser
from tests.support.rigs.served_store import LOGIN, Served, ask

USERS = [
    StoreUser("strict", "s", readonly=True, may_set=False),
    StoreUser("asker", "a", readonly=True, inserts=(("c", "requests"),)),
]
PASSWORDS = {user.name: user.password for user in USERS} | {"writer": "w-secret", "reader": "r:secret"}
# One table into which a reader may insert, and others whose names look like it.
NAMES = ("c.requests", "c.other", "d.requests", "d.`c.requests`", "c.`c.requests`", "c.`TABLE`", "requests.other")
THEIR_TABLES = [
    *(f"CREATE DATABASE {name}" for name in ("c", "d", "requests")),
    *(f"CREATE TABLE {name} (a UInt8) ENGINE = MergeTree ORDER BY a" for name in NAMES),
]
SETTING = "SELECT value, min, max, readonly FROM system.settings WHERE name = '{}'"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server with users of every kind, and one table."""
    served = Served(tmp_path_factory.mktemp("store"), users=USERS)
    for sql in ("CREATE DATABASE t", "CREATE TABLE t.t (a UInt8) ENGINE = MergeTree ORDER BY a", *THEIR_TABLES):
        assert ask(served, sql)[0] == 200
    yield served
    served.end()


def answer(served: Served, user: str, sql: str, **params: str) -> tuple[int, bytes]:
    """Return error code (0: none) and body."""
    login = {"X-ClickHouse-User": user, "X-ClickHouse-Key": PASSWORDS[user]}
    _, headers, body = ask(served, sql, login=login, **params)
    return int(headers.get("X-ClickHouse-Exception-Code", 0)), body


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT 1", {"max_execution_time": "3"}),
        ("SELECT 1 SETTINGS max_execution_time = 3", {}),
        ("SELECT 1", {"log_comment": "x"}),
        ("SELECT 1", {"enable_http_compression": "0"}),
        ("SET max_block_size = 3", {}),
        ("SELECT 1", {"readonly": "0"}),
    ],
)
def test_who_may_set_nothing_is_refused_with_any_setting(served: Served, sql: str, params: dict[str, str]) -> None:
    """With readonly=1 any changed setting, even one of the transport, is a 164 in ClickHouse's words."""
    code, body = answer(served, "strict", sql, **params)

    assert code == 164
    assert b"Cannot modify '" in body
    assert b"' setting in readonly mode" in body
    assert answer(served, "strict", "SELECT 1", wait_end_of_query="1", query_id="q") == (0, b"1\n")


@pytest.mark.parametrize("user", ["strict", "reader"])
def test_readers_write_nothing(served: Served, user: str) -> None:
    """With either readonly, writes, DDL and KILL are refused with 164."""
    for sql in ("INSERT INTO t.t VALUES (1)", "TRUNCATE TABLE t.t", "CREATE DATABASE x", "KILL QUERY WHERE 1 SYNC"):
        assert answer(served, user, sql)[0] == 164, sql
    assert answer(served, user, "SELECT count() FROM t.t") == (0, b"0\n")


@pytest.mark.parametrize(
    ("sql", "database"),
    [
        ("INSERT INTO c.requests VALUES (1)", ""),
        ("INSERT INTO requests VALUES (1)", "c"),
        ('insert into `c`."requests" (a) values (1)', "d"),
        ("-- c.other\n/* d /* nested */ */ INSERT INTO c /* . */ . requests SELECT 1", ""),
        ("INSERT INTO c.requests (a) WITH 1 AS one SELECT one", ""),
        ("INSERT INTO c.requests SETTINGS max_threads = 1 FORMAT CSV\n1\n", ""),
        ('INSERT INTO c.requests FORMAT JSONEachRow {"a": 1}', ""),
        ("INSERT INTO requests SELECT {a:UInt8}", "c"),
    ],
)
def test_a_reader_inserts_into_a_listed_table_by_any_spelling(served: Served, sql: str, database: str) -> None:
    """The row is there, and no other table has one."""
    assert answer(served, "asker", sql, database=database, param_a="1") == (0, b"")

    assert filled(served) == {"c.requests"}
    assert answer(served, "reader", sql, database=database, param_a="1")[0] == 164
    ask(served, "TRUNCATE TABLE c.requests")


@pytest.mark.parametrize(
    ("sql", "database"),
    [
        ("INSERT INTO d.requests VALUES (1)", "c"),
        ("INSERT INTO requests VALUES (1)", "d"),
        ("INSERT INTO requests VALUES (1)", ""),
        ("INSERT INTO c.other VALUES (1)", "c"),
        ("INSERT INTO requests . other VALUES (1)", "c"),
        ("INSERT INTO requests/**/./**/other SELECT 1", "c"),
        ("INSERT INTO `c.requests` VALUES (1)", "d"),
        ('INSERT INTO "c.requests" SELECT 1', "c"),
        ("INSERT INTO d.`c.requests` SELECT 1", ""),
        ("INSERT INTO {requests:Identifier} SELECT 1", "c"),
        ("INSERT INTO {requests:Identifier} VALUES (1)", "c"),
        ("INSERT INTO c.{requests:Identifier} SELECT 1", ""),
        ("INSERT INTO c.{requests:Identifier} FORMAT CSV\n1\n", ""),
        ("INSERT INTO {c:Identifier}.requests SELECT 1", ""),
        ("INSERT INTO FUNCTION null('a UInt8') SELECT 1", "c"),
        ("INSERT INTO TABLE c.other SELECT 1", "c"),
        ("INSERT INTO TABLE SELECT 1", "c"),
        ("INSERT INTO TABLE FUNCTION remote('127.0.0.1', c.other) SELECT 1", "c"),
        ("INSERT c.other SELECT 1", "c"),
        ("WITH 1 AS x INSERT INTO c.other SELECT x", "c"),
        ("EXPLAIN INSERT INTO c.other SELECT 1", "c"),
        ("INSERT INTO c.requests SELECT 1; INSERT INTO c.other SELECT 1", "c"),
        ("INSERT INTO c.requests SELECT 1 PARALLEL WITH INSERT INTO c.other SELECT 1", "c"),
        ("DELETE FROM c.requests WHERE 1", "c"),
        ("TRUNCATE TABLE c.requests", "c"),
        ("DROP TABLE c.requests", "c"),
        ("ALTER TABLE c.requests UPDATE a = 2 WHERE 1", "c"),
        ("SET readonly = 0", "c"),
    ],
)
def test_a_reader_inserts_into_no_other_table(served: Served, sql: str, database: str) -> None:
    """Other names, names from parameters, functions and second statements change nothing, also by GET."""
    for method in ("POST", "GET"):
        login = {"X-ClickHouse-User": "asker", "X-ClickHouse-Key": "a"}
        names = {"param_requests": "other", "param_c": "d"}
        ask(served, b"", method, login, query=sql, database=database, **names)

    assert filled(served) == set()
    assert answer(served, "writer", "EXISTS c.requests") == (0, b"1\n")


def test_by_get_no_reader_inserts(served: Served) -> None:
    """As on a real server, GET is readonly for every user."""
    login = {"X-ClickHouse-User": "asker", "X-ClickHouse-Key": "a"}
    _, headers, _ = ask(served, b"", "GET", login, query="INSERT INTO c.requests SELECT 1")

    assert headers["X-ClickHouse-Exception-Code"] == "164"
    assert filled(served) == set()


def test_the_right_to_insert_ends_with_its_statement(served: Served) -> None:
    """The pool gives the connection of such an insert to no other statement of the reader."""
    for _ in range(3):
        assert answer(served, "asker", "INSERT INTO c.requests VALUES (1)")[0] == 0
        for sql in ("INSERT INTO c.other VALUES (1)", "CREATE DATABASE mine", "TRUNCATE TABLE c.requests"):
            assert answer(served, "asker", sql)[0] == 164, sql

    assert filled(served) == {"c.requests"}
    ask(served, "TRUNCATE TABLE c.requests")


def filled(served: Served) -> set[str]:
    """Return the names of the tables that have rows."""
    return {name for name in (*NAMES, "t.t") if answer(served, "writer", f"SELECT count() FROM {name}")[1] != b"0\n"}


def test_a_client_sees_what_it_may_not_change(served: Served) -> None:
    """`system.settings` marks settings as readonly, and clickhouse-connect then refuses by itself."""
    reading = {user: answer(served, user, SETTING.format("max_execution_time"))[1] for user in ("strict", "reader")}
    assert reading == {"strict": b"0\t\\N\t\\N\t1\n", "reader": b"0\t\\N\t\\N\t0\n"}
    client = served.client(username="strict", password="s")
    with pytest.raises(ProgrammingError, match="Setting max_execution_time is readonly"):
        client.query("SELECT 1", settings={"max_execution_time": 3})

    assert client.query("SELECT {a:UInt8}", parameters={"a": 7}).result_rows == [(7,)]
    client.close()


def test_the_rights_of_one_user_are_never_those_of_another(served: Served) -> None:
    """The pool never reuses a connection for another user."""
    for _ in range(3):
        for user, code in (("strict", 164), ("writer", 0), ("reader", 0)):
            assert answer(served, user, "SELECT 1", max_threads="7")[0] == code, user


def test_settings_that_are_none_and_those_that_are_constant(served: Served) -> None:
    """An unknown name is a 115, as on a real server; a setting that could leave the store is a 452."""
    for name, expected, words in (
        ("nosuch", 115, b"nosuch"),
        ("dialect", 452, b"should not be changed"),
    ):
        for sql, params in (("SELECT 1", {name: "prql"}), (f"SELECT 1 SETTINGS {name} = 'prql'", {})):
            code, body = answer(served, "writer", sql, **params)
            assert (code, words in body) == (expected, True), body
    assert answer(served, "writer", "SELECT 1", deduplicate_insert="disable") == (0, b"1\n")


def test_tables_drop_repeated_blocks_where_a_test_wants_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a window, an insert that repeats a deleted block is dropped unless it opts out."""
    served = Served(tmp_path_factory.mktemp("windows"), CREWKIT_STORE_DEDUPLICATION_WINDOW="100")
    try:
        stored = list(_inserted_again(served))
    finally:
        served.end()

    assert stored == [b"0\n", b"1\n"]


def _inserted_again(served: Served) -> Iterator[Any]:
    for sql in ("CREATE DATABASE t", "CREATE TABLE t.t (a UInt8) ENGINE = MergeTree ORDER BY a"):
        assert ask(served, sql, login=LOGIN)[0] == 200
    for settings in ({}, {"deduplicate_insert": "disable"}):
        for sql in ("INSERT INTO t.t VALUES (1)", "DELETE FROM t.t WHERE 1", "INSERT INTO t.t VALUES (1)"):
            assert ask(served, sql, **settings)[0] == 200
        yield ask(served, "SELECT count() FROM t.t")[2]
