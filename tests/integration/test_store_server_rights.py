"""Users behave as on a real server: `readonly` 1 and 2, profiles with constraints, and unknown settings."""

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

from deploy.devstack.store_server.users import Bound, StoreUser
from tests.support.rigs.served_store import LOGIN, Served, ask

GIB = 1 << 30
TIGHT = (
    Bound("max_memory_usage", value=str(GIB), min="1000", max=str(2 * GIB)),
    Bound("max_threads", value="1", const=True),
)
USERS = [
    StoreUser("strict", "s", readonly=True, may_set=False),
    StoreUser("tight", "t", readonly=True, bounds=TIGHT),
    StoreUser("tight-writer", "t", readonly=False, bounds=TIGHT),
    StoreUser("tight-strict", "t", readonly=True, may_set=False, bounds=TIGHT),
]
PASSWORDS = {user.name: user.password for user in USERS} | {"writer": "w-secret", "reader": "r:secret"}
SETTING = "SELECT value, min, max, readonly FROM system.settings WHERE name = '{}'"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server with users of every kind, and one table."""
    served = Served(tmp_path_factory.mktemp("store"), users=USERS)
    for sql in ("CREATE DATABASE t", "CREATE TABLE t.t (a UInt8) ENGINE = MergeTree ORDER BY a"):
        assert ask(served, sql)[0] == 200
    yield served
    served.end()


def answer(served: Served, user: str, sql: str, **params: str) -> tuple[int, bytes]:
    """Return error code (0: none) and body."""
    login = {"X-ClickHouse-User": user, "X-ClickHouse-Key": PASSWORDS[user]}
    _, headers, body = ask(served, sql, login=login, **params)
    return int(headers.get("X-ClickHouse-Exception-Code", 0)), body


@pytest.mark.parametrize("user", ["strict", "tight-strict"])
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
def test_who_may_set_nothing_is_refused_with_any_setting(
    served: Served, user: str, sql: str, params: dict[str, str]
) -> None:
    """With readonly=1 any changed setting, also one of the transport, is a 164 in ClickHouse's words."""
    code, body = answer(served, user, sql, **params)

    assert code == 164
    assert b"Cannot modify '" in body
    assert b"' setting in readonly mode" in body
    assert answer(served, user, "SELECT 1", wait_end_of_query="1", query_id="q") == (0, b"1\n")


@pytest.mark.parametrize("user", ["strict", "reader", "tight", "tight-strict"])
def test_readers_write_nothing(served: Served, user: str) -> None:
    """With either readonly, writes, DDL and KILL are refused with 164."""
    for sql in ("INSERT INTO t.t VALUES (1)", "TRUNCATE TABLE t.t", "CREATE DATABASE x", "KILL QUERY WHERE 1 SYNC"):
        assert answer(served, user, sql)[0] == 164, sql
    assert answer(served, user, "SELECT count() FROM t.t") == (0, b"0\n")


def test_a_client_sees_what_it_may_not_change(served: Served) -> None:
    """`system.settings` marks settings as readonly, and clickhouse-connect then refuses by itself."""
    reading = {user: answer(served, user, SETTING.format("max_execution_time"))[1] for user in ("strict", "reader")}
    assert reading == {"strict": b"0\t\\N\t\\N\t1\n", "reader": b"0\t\\N\t\\N\t0\n"}
    client = served.client(username="strict", password="s")
    with pytest.raises(ProgrammingError, match="Setting max_execution_time is readonly"):
        client.query("SELECT 1", settings={"max_execution_time": 3})

    assert client.query("SELECT {a:UInt8}", parameters={"a": 7}).result_rows == [(7,)]
    client.close()


@pytest.mark.parametrize("user", ["tight", "tight-writer"])
def test_a_profile_bounds_what_a_request_may_set(served: Served, user: str) -> None:
    """A setting may change within min and max; beyond them, or if constant, it is a 452."""
    assert answer(served, user, "SELECT getSetting('max_memory_usage')") == (0, f"{GIB}\n".encode())
    assert answer(served, user, "SELECT 1", max_memory_usage=str(2 * GIB)) == (0, b"1\n")
    for setting, value, words in (
        ("max_memory_usage", 2 * GIB + 1, b"shouldn't be greater than"),
        ("max_memory_usage", 10, b"shouldn't be less than"),
        ("max_threads", 2, b"should not be changed"),
    ):
        for sql, params in (
            ("SELECT 1", {setting: str(value)}),
            (f"SELECT 1 SETTINGS {setting} = {value}", {}),
        ):
            code, body = answer(served, user, sql, **params)
            assert (code, words in body) == (452, True), body


def test_a_client_sees_the_bounds(served: Served) -> None:
    """`system.settings` has value, min, max and readonly; with readonly=1 it has no bounds."""
    memory, threads = SETTING.format("max_memory_usage"), SETTING.format("max_threads")
    assert answer(served, "tight", memory)[1] == f"{GIB}\t1000\t{2 * GIB}\t0\n".encode()
    assert answer(served, "tight", threads)[1] == b"1\t\\N\t\\N\t1\n"
    assert answer(served, "tight-strict", memory)[1] == f"{GIB}\t\\N\t\\N\t1\n".encode()
    assert answer(served, "reader", memory)[1] == b"0\t\\N\t\\N\t0\n"


def test_the_rights_of_one_user_are_never_those_of_another(served: Served) -> None:
    """The pool never reuses a connection for another user."""
    for _ in range(3):
        for user, code in (("strict", 164), ("writer", 0), ("tight", 452), ("reader", 0), ("tight-writer", 452)):
            assert answer(served, user, "SELECT 1", max_threads="7")[0] == code, user


def test_settings_that_are_none_and_those_that_are_not_allowed(served: Served) -> None:
    """An unknown name is a 115, as on a real server; a known name that is not listed is a 115, too."""
    for name, words in (("nosuch", b"neither a builtin setting"), ("dialect", b"may not be set here")):
        for sql, params in (("SELECT 1", {name: "x"}), (f"SELECT 1 SETTINGS {name} = 'x'", {})):
            code, body = answer(served, "writer", sql, **params)
            assert (code, words in body) == (115, True), body
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


def test_errors_from_a_client_name_the_code(served: Served) -> None:
    """Errors of clickhouse-connect have the code, so that the product can tell them from an outage."""
    client = served.client(username="tight-writer", password="t")
    with pytest.raises(DatabaseError) as refused:
        client.command("SELECT 1", settings={"max_memory_usage": 3 * GIB})
    client.close()

    assert refused.value.code == 452
