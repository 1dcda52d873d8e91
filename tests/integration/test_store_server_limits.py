"""The store server refuses what a real server or a proxy refuses, and fails on demand like a real one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from devstack.store_server.conditions import ALWAYS, HANG_UP, Refusal
from tests.support.fakes.store_refusals import StoreRefusals
from tests.support.rigs.served_store import LOGIN, Served, ask, wait_until

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def module_refusals(tmp_path_factory: pytest.TempPathFactory) -> StoreRefusals:
    """Make the refusals of this module's server."""
    return StoreRefusals(tmp_path_factory.mktemp("refusals") / "refusals.json")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, module_refusals: StoreRefusals) -> Iterator[Served]:
    """Run a server that can fail on demand."""
    served = Served(tmp_path_factory.mktemp("store"), **module_refusals.environment)
    yield served
    served.end()


@pytest.fixture
def refusals(module_refusals: StoreRefusals) -> Iterator[StoreRefusals]:
    """Return the refusals, and clear them after the test."""
    yield module_refusals
    module_refusals.end()


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    """Return a client that may write."""
    client = served.client()
    yield client
    client.close()


def get(served: Served, url: str) -> tuple[int, dict[str, str], bytes]:
    """Send a GET with exactly this URL."""
    connection = served.http()
    try:
        connection.request("GET", url, headers=LOGIN)
        reply = connection.getresponse()
        return reply.status, dict(reply.headers), reply.read()
    finally:
        connection.close()


def test_a_long_value_gets_the_real_servers_words(served: Served) -> None:
    """Header code 1000 and Poco's sentence come before any setting of the request counts."""
    status, headers, body = ask(
        served, "SELECT length({a:String})", param_a="x" * 131_073, http_max_field_value_size="1000000"
    )

    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "1000")
    assert body.startswith(b"Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long (")


def test_a_client_with_a_long_list_is_refused_unless_it_is_cut(client: Any) -> None:
    """The encoding of clickhouse-connect counts: in the URL of a command, and in the form of a query."""
    numbers = list(range(20_000))
    with pytest.raises(DatabaseError, match="Field value too long"):
        client.command("SELECT length({a:Array(UInt64)})", parameters={"a": list(range(50_000))})
    with pytest.raises(DatabaseError, match="Field value too long"):
        client.query("SELECT length({a:Array(UInt64)})", parameters={"a": list(range(50_000))})

    assert client.query("SELECT length({a:Array(UInt64)})", parameters={"a": numbers}).result_rows == [(20_000,)]


def test_a_url_has_one_mebibyte(served: Served) -> None:
    """A longer URL is a 400 without a body, as on a real server."""
    values = "&".join(f"param_{number}={'x' * 131_000}" for number in range(8))
    url = f"/?query=SELECT%201&{values}"
    rest = MIB - len(url) - len("&param_y=")
    assert 0 < rest < 131_072

    assert get(served, f"{url}&param_y={'x' * rest}")[2] == b"1\n"
    for more in (1, 5_000):
        status, headers, body = get(served, f"{url}&param_y={'x' * (rest + more)}")
        assert (status, headers["Connection"], body) == (400, "close", b"")


def test_a_proxy_takes_a_line_of_8_kib(tmp_path: Path) -> None:
    """Behind a proxy a longer line is a 414 without ClickHouse's headers; forms are not limited by it."""
    served = Served(tmp_path, CREWKIT_STORE_BEHIND_PROXY="1")
    try:
        around = len("GET /?query=SELECT%201&param_a= HTTP/1.1\r\n")
        assert get(served, f"/?query=SELECT%201&param_a={'x' * (8_192 - around)}")[0] == 200
        status, headers, body = get(served, f"/?query=SELECT%201&param_a={'x' * (8_193 - around)}")
        assert (status, "X-ClickHouse-Exception-Code" in headers) == (414, False)
        assert b"414" in body
        client = served.client(form_encode_query_params=True)
        assert client.query("SELECT length({a:String})", parameters={"a": "x" * 100_000}).result_rows == [(100_000,)]
        client.close()
    finally:
        served.end()


@pytest.mark.parametrize(
    ("code", "name", "status"),
    [
        *(
            (241, "MEMORY_LIMIT_EXCEEDED", 500),
            (252, "TOO_MANY_PARTS", 500),
            (202, "TOO_MANY_SIMULTANEOUS_QUERIES", 500),
        ),
        *((164, "READONLY", 500), (497, "ACCESS_DENIED", 403), (516, "AUTHENTICATION_FAILED", 403)),
        *((194, "REQUIRED_PASSWORD", 401), (60, "UNKNOWN_TABLE", 404), (81, "UNKNOWN_DATABASE", 404)),
        *((159, "TIMEOUT_EXCEEDED", 408), (452, "SETTING_CONSTRAINT_VIOLATION", 500), (209, "SOCKET_TIMEOUT", 503)),
    ],
)
def test_an_error_on_demand_looks_like_a_real_servers(
    served: Served, refusals: StoreRefusals, client: Any, code: int, name: str, status: int
) -> None:
    """Status, header and body fit the code; the next statement passes."""
    refusals.put(Refusal(codes=(code,), statement="SELECT 1"))
    got, headers, body = ask(served, "SELECT 1")

    assert (got, headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())
    assert f"({name}) (version ".encode() in body
    assert ask(served, "SELECT 1")[0] == 200
    assert client.query("SELECT 2").result_rows == [(2,)]


def test_an_error_may_come_although_the_statement_was_executed(client: Any, refusals: StoreRefusals) -> None:
    """A failure before stores nothing; a failure after stores everything, with an error or no reply."""
    client.command("CREATE DATABASE IF NOT EXISTS t")
    client.command("CREATE TABLE t.numbers (a UInt8) ENGINE = MergeTree ORDER BY a")
    insert = "INSERT INTO t.numbers VALUES"
    refusals.put(Refusal(codes=(252,), statement=insert))
    with pytest.raises(DatabaseError, match="252"):
        client.command(f"{insert} (1)")
    refusals.put(Refusal(codes=(252,), statement=insert, applied=True))
    with pytest.raises(DatabaseError, match="252"):
        client.command(f"{insert} (2)")
    refusals.put(Refusal(codes=(HANG_UP,), statement=insert, applied=True, times=ALWAYS))
    with pytest.raises(OperationalError):
        client.command(f"{insert} (3)")
    refusals.end()

    stored = {row[0] for row in client.query("SELECT a FROM t.numbers").result_rows}
    assert stored == {2, 3}


def test_a_status_may_be_that_of_a_proxy(served: Served, client: Any, refusals: StoreRefusals) -> None:
    """Clients may also meet a bad gateway."""
    refusals.put(Refusal(codes=(210,), statement="SELECT 1", status=502))
    assert ask(served, "SELECT 1")[0] == 502
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_connections_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    """Those below it go on, and a place that becomes free can be taken."""
    served = Served(tmp_path, CONNECTIONS_MAX="2")
    try:
        first, second = served.http(), served.http()
        for connection in (first, second):
            connection.connect()
        with pytest.raises(ConnectionError):
            ask(served, "SELECT 1")
        first.request("POST", "/", "SELECT 1", LOGIN)
        assert first.getresponse().read() == b"1\n"
        second.close()
        assert wait_until(lambda: answers(served))
    finally:
        served.end()


def answers(served: Served) -> bool:
    """Return whether a new connection gets its reply."""
    try:
        return bool(ask(served, "SELECT 1")[2] == b"1\n")
    except OSError:
        return False
