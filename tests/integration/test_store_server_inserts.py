"""Inserts into the store server over real HTTP, through the unchanged clients of clickhouse-connect."""

import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import lz4.frame
import pytest
from backports import zstd
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.rigs.served_store import LOGIN, Served, ask, row

pytest_plugins = ["tests.support.rigs.store_server_fixtures"]


CODINGS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_raw_inserts_keep_every_byte(client: Any, table: str, coding: str | None) -> None:
    """Rows full of newline bytes arrive complete in every encoding, and the reply has the number of rows."""
    rows = [row(number * 10, b"\n" * (number % 7) + b"\x00\r\n;" + bytes([number % 256])) for number in range(50_000)]

    summary = client.raw_insert(
        table, ["id", "text"], CODINGS[coding](b"".join(rows)), fmt="RowBinary", compression=coding
    )
    got = client.query(f"SELECT count(), uniq(id), sum(length(text)) FROM {table}").first_row

    assert summary.written_rows == 50_000
    assert got == (50_000, client.query("SELECT uniq(number) FROM numbers(50000)").first_row[0], _lengths(rows))


def _lengths(rows: list[bytes]) -> int:
    return sum(len(line) - 5 for line in rows)


def test_many_frames_are_one_body(client: Any, table: str) -> None:
    """A body of several compressed frames is read to its end."""
    for coding in ("lz4", "zstd"):
        frames = b"".join(CODINGS[coding](row(number, b"x")) for number in range(500))
        client.raw_insert(table, ["id", "text"], frames, fmt="RowBinary", compression=coding)

    assert client.query(f"SELECT count() FROM {table}").first_row == (1000,)


@pytest.mark.parametrize("compress", [False, "lz4", "zstd"])
def test_the_clients_own_insert_works(served: Served, client: Any, table: str, compress: Any) -> None:
    """Column inserts of the client: a streamed body in chunks, with the statement inside the compressed data."""
    rows = [[number, f"line\n{number}"] for number in range(30_000)]
    with contextlib.closing(served.client(database="t", compress=compress)) as inserter:
        inserter.insert(table, rows, column_names=["id", "text"])

    assert client.query(f"SELECT * FROM {table} ORDER BY id").result_rows == [tuple(line) for line in rows]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "INSERT INTO t.{table} (id, text) FORMAT TSV\n1\ta\\nb\n2\tFORMAT CSV\n"),
        ("INSERT INTO t.{table} FORMAT TSV", "1\ta\\nb\n2\tFORMAT CSV\n"),
        ("INSERT INTO t.{table} FORMAT TSV\n", "1\ta\\nb\n2\tFORMAT CSV\n"),
        ("", 'INSERT INTO t.{table} SETTINGS max_insert_threads = 1 FORMAT CSV 1,"a\nb"\n2,FORMAT CSV'),
        ("", "insert into t.{table} values (1, 'a\nb'),\n (1 + 1, concat('FORMAT', ' CSV'))"),
        ("INSERT INTO t.{table} VALUES", "(1, 'a\nb'), (2, 'FORMAT CSV')"),
        ("INSERT INTO t.{table} (text, id) VALUES ('a\nb', 1), ('FORMAT CSV', 2)", ""),
        ("", "/* FORMAT x */ INSERT INTO t.`{table}` -- VALUES\nSELECT 1, 'a\nb' UNION ALL SELECT 2, 'FORMAT CSV'"),
        ("INSERT INTO t.{table} SELECT 1, 'a\nb' UNION ALL", " SELECT 2, 'FORMAT CSV'"),
    ],
)  # fmt: skip
def test_every_way_to_write_an_insert(served: Served, client: Any, table: str, query: str, body: str) -> None:
    """The statement may be in the URL, in the body, or in both; the data may follow it in any of ClickHouse's ways."""
    params = {"query": query.format(table=table)} if query else {}

    status, headers, answer = ask(served, body.format(table=table), **params)

    assert (status, answer) == (200, b"")
    assert json.loads(headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert client.query(f"SELECT * FROM {table} ORDER BY id").result_rows == [(1, "a\nb"), (2, "FORMAT CSV")]


def test_bound_values_in_an_insert(client: Any, table: str) -> None:
    """INSERT ... VALUES takes parameters."""
    client.command(f"INSERT INTO {table} VALUES ({{i:UInt32}}, {{s:String}})", parameters={"i": 7, "s": "a\n'b"})

    assert client.query(f"SELECT * FROM {table}").result_rows == [(7, "a\n'b")]


def test_an_insert_that_stops_in_the_middle_writes_nothing(served: Served, client: Any, table: str) -> None:
    """A client that dies while sending inserts nothing, even if the received part has complete rows."""
    target = "/?query=" + quote(f"INSERT INTO t.{table} FORMAT RowBinary")
    sent = row(1, b"x") * 1000
    login = "".join(f"{name}: {value}\r\n" for name, value in LOGIN.items())
    for framing, start in (
        (f"Content-Length: {len(sent) * 2}", b""),
        ("Transfer-Encoding: chunked", b"%x\r\n" % len(sent)),
    ):
        with socket.create_connection(("127.0.0.1", served.port)) as raw:
            raw.sendall(f"POST {target} HTTP/1.1\r\nHost: x\r\n{login}{framing}\r\n\r\n".encode() + start + sent)
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(100) == b""

    with pytest.raises(DatabaseError):
        client.raw_insert(table, None, lz4.frame.compress(sent)[:-5], fmt="RowBinary", compression="lz4")
    assert client.query(f"SELECT count() FROM {table}").first_row == (0,)


def test_errors_of_an_insert_are_reported(client: Any, table: str) -> None:
    """Bad data, violated constraints and failing materialized views are errors with their codes."""
    client.command(f"CREATE TABLE c_{table} (id UInt32, CONSTRAINT small CHECK id < 10) ENGINE = MergeTree ORDER BY id")
    client.command(f"CREATE TABLE v_{table} (id UInt32) ENGINE = MergeTree ORDER BY id")
    client.command(
        f"CREATE MATERIALIZED VIEW mv_{table} TO v_{table} AS SELECT id + throwIf(id = 7) AS id FROM {table}"
    )
    for code, target, data in ((27, table, b"x\ty\n"), (469, f"c_{table}", b"11\n"), (395, table, b"7\tx\n")):
        with pytest.raises(DatabaseError) as refused:
            client.raw_insert(target, None, data, fmt="TSV")
        assert refused.value.code == code
