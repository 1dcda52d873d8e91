"""The store server over real HTTP, through the unchanged sync and async clients of clickhouse-connect."""

import base64
import contextlib
import gzip
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import clickhouse_connect
import lz4.frame
import pytest
from backports import zstd
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, StreamFailureError

from tests.support import CHECKOUT
from tests.support.rigs.served_store import LOGIN, SERVE, Served, ask


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("store"))
    with contextlib.closing(server.client()) as client:
        client.command("CREATE DATABASE t ENGINE = Atomic")
    yield server
    if server.process.poll() is None:
        server.end()


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    with contextlib.closing(served.client(database="t")) as client:
        yield client


@pytest.fixture
def reader(served: Served) -> Iterator[Any]:
    with contextlib.closing(served.reader(database="t")) as client:
        yield client


@pytest.fixture
async def aclient(served: Served) -> AsyncIterator[Any]:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=served.port, username="writer", password="w-secret", database="t"
    )
    yield client
    await client.close()


@pytest.fixture
def table(client: Any) -> str:
    name = f"t_{uuid4().hex}"
    client.command(f"CREATE TABLE {name} (id UInt32, text String) ENGINE = MergeTree ORDER BY id")
    return name


def row(number: int, text: bytes) -> bytes:
    """A row of `table` as RowBinary; `text` is shorter than 128 bytes."""
    return struct.pack("<I", number) + bytes([len(text)]) + text


def wait_until(met: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if met():
            return True
        time.sleep(0.02)
    return False


# --- queries ---------------------------------------------------------------------------------------------------------


def test_ping_needs_no_credential(served: Served) -> None:
    """Any client may ask whether the server runs, and learns nothing else."""
    connection = served.http()
    connection.request("GET", "/ping")
    response = connection.getresponse()

    assert (response.status, response.read()) == (200, b"Ok.\n")


def test_parameters_of_all_types_come_back_as_they_were(client: Any) -> None:
    """No type, newline, quote, backslash or SQL in a bound value changes the query."""
    sent = {
        "s": "a\nb\tc\\d'e\"f`g\0h\r; DROP TABLE x -- é 語 {x:String}",
        "n": -(2**63),
        "u": UUID("00112233-4455-6677-8899-aabbccddeeff"),
        "d": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "dec": Decimal("12.34"),
        "list": ["x'y", "line\nbreak", "back\\slash"],
        "none": None,
        "flag": True,
    }
    sql = (
        "SELECT {s:String}, {n:Int64}, {u:UUID}, {d:DateTime64(3, 'UTC')}, {day:Date}, {dec:Decimal(9, 2)}, "
        "{list:Array(String)}, {none:Nullable(String)}, {flag:Bool}"
    )

    got = client.query(sql, parameters=sent, tz_mode="aware").result_rows[0]

    assert list(got) == list(sent.values())


@pytest.mark.parametrize("attempt", ["1; DROP TABLE t.x", "1 OR 1=1", "') OR ('1'='1", "1) UNION ALL SELECT 2 --"])
def test_a_parameter_cannot_become_sql(client: Any, attempt: str) -> None:
    """A value that does not parse as the declared type is refused with code 457."""
    with pytest.raises(DatabaseError) as refused:
        client.query("SELECT {n:UInt32}", parameters={"n": attempt})

    assert refused.value.code == 457


def test_long_parameters_travel_as_a_form(client: Any) -> None:
    """The client sends values too long for a URL as a multipart form, and they arrive."""
    ids = [f"id-{number}\n\\" for number in range(7_000)]

    got = client.query("SELECT length({ids:Array(String)}), {ids:Array(String)}[7000]", parameters={"ids": ids})

    assert got.result_rows == [(7_000, ids[-1])]


def test_a_large_result_streams_in_bounded_memory(served: Served, client: Any) -> None:
    """Reading 600 MB does not make the server hold them."""
    sql = "SELECT number, repeat('x', 52) AS pad FROM numbers(10000000)"
    size, before = 0, _resident_mb(served.process.pid)
    with client.raw_stream(sql, fmt="RowBinary") as stream:
        while block := stream.read(4 * 1024 * 1024):
            size += len(block)
    peak = _resident_mb(served.process.pid, "VmHWM")

    assert size == 10_000_000 * (8 + 53)
    assert peak < before + 300


def _resident_mb(pid: int, what: str = "VmRSS") -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) // 1024


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip", "deflate"])
def test_results_come_back_whole_in_every_coding(served: Served, compress: Any) -> None:
    """Rows are the same in every compression, sent whole or streamed."""
    with contextlib.closing(served.client(compress=compress)) as client:
        small = client.query("SELECT number, toString(number) FROM numbers(3000)").result_rows
        with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(400000)") as blocks:
            rows = sum(len(block) for block in blocks)

    assert small[-1] == (2999, "2999")
    assert rows == 400_000


def test_formats_with_a_frame_are_one_document(client: Any) -> None:
    """JSON, Arrow and totals are one valid result, not one for each block."""
    document = json.loads(client.raw_query("SELECT number FROM numbers(200000)", fmt="JSON"))
    arrow = client.query_arrow("SELECT number FROM numbers(200000)")
    totals = client.raw_query("SELECT number % 2 AS k, count() FROM numbers(4) GROUP BY k WITH TOTALS", fmt="TSV")

    assert (document["rows"], arrow.num_rows) == (200_000, 200_000)
    assert totals.endswith(b"\n\n0\t4\n")


def test_settings_of_a_request_end_with_it(client: Any) -> None:
    """Neither URL settings nor SET nor USE reach a later request on any connection."""
    value = "SELECT getSetting('max_block_size'), currentDatabase()"
    before = client.query(value).result_rows
    with_setting = client.query(value, settings={"max_block_size": 1234}).first_row
    client.command("SET max_block_size = 4321")
    client.command("USE system")

    assert with_setting == (1234, "t")
    assert all(client.query(value).result_rows == before for _ in range(10))


def test_a_time_limit_ends_a_query(client: Any) -> None:
    """max_execution_time holds, with ClickHouse's code."""
    with pytest.raises(DatabaseError) as refused:
        client.query("SELECT sleepEachRow(1) FROM numbers(3)", settings={"max_execution_time": 0.2})

    assert refused.value.code == 159


def test_a_hang_up_stops_the_query(served: Served, client: Any) -> None:
    """The query of a client that disconnected stops, so that it does not occupy a core."""
    secret = f"gone_{uuid4().hex}"
    running = f"SELECT count() FROM system.processes WHERE query LIKE '%{secret}%' AND query NOT LIKE '%processes%'"
    connection = served.http()
    connection.request("POST", "/", f"SELECT sum(cityHash64(number)) AS {secret} FROM numbers(100000000000)", LOGIN)
    assert wait_until(lambda: client.query(running).first_row[0] == 1)

    connection.close()

    assert wait_until(lambda: client.query(running).first_row[0] == 0)


def test_requests_of_one_session_take_turns(served: Served) -> None:
    """Two requests with one session id do not run at once; with two ids they do."""

    def elapsed(sessions: list[str]) -> float:
        begin = time.monotonic()
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda name: ask(served, "SELECT sleep(0.4)", session_id=name), sessions))
        return time.monotonic() - begin

    assert elapsed(["same", "same"]) > 0.8
    assert elapsed(["one", "other"]) < 0.75


async def test_async_ddl_inserts_streams_and_errors(aclient: Any) -> None:
    """The async client has all it needs, errors included."""
    name = f"t_{uuid4().hex}"
    await aclient.command(f"CREATE TABLE {name} (id UInt32, text String) ENGINE = MergeTree ORDER BY id")
    summary = await aclient.insert(name, [[1, "a\nb"], [2, "c"]], column_names=["id", "text"])
    await aclient.raw_insert(
        name, ["id", "text"], lz4.frame.compress(row(10, b"\n\n")), fmt="RowBinary", compression="lz4"
    )
    got = await aclient.query(f"SELECT * FROM {name} WHERE text != {{t:String}} ORDER BY id", parameters={"t": "c"})
    streamed = 0
    async with await aclient.query_rows_stream("SELECT number FROM numbers(300000)") as rows:
        async for _ in rows:
            streamed += 1
    with pytest.raises(DatabaseError) as refused:
        await aclient.query("SELECT * FROM t.nothing")

    assert summary.written_rows == 2
    assert got.result_rows == [(1, "a\nb"), (10, "\n\n")]
    assert streamed == 300_000
    assert refused.value.code == 60


# --- inserts ---------------------------------------------------------------------------------------------------------

CODINGS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_raw_inserts_keep_every_byte(client: Any, table: str, coding: str | None) -> None:
    """Rows full of newline bytes arrive whole in every coding, and the reply has the number of rows."""
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
    for coding in ("lz4", "zstd", "gzip"):
        frames = b"".join(CODINGS[coding](row(number, b"x")) for number in range(500))
        client.raw_insert(table, ["id", "text"], frames, fmt="RowBinary", compression=coding)

    assert client.query(f"SELECT count() FROM {table}").first_row == (1500,)


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
    """A client that dies while sending inserts nothing, even if the received part has whole rows."""
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


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELECT * FROM t.nothing", 60, 404),
        ("SELEC 1", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("", 62, 400),
        ("SELECT nothing", 47, 404),
        ("SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 10000000", 241, 500),
        ("SELECT throwIf(1)", 395, 500),
        ("CREATE USER x", 497, 403),
        ("SELECT 1 FORMAT Nothing", 73, 404),
    ],
)
def test_errors_have_clickhouses_code_and_status(served: Served, sql: str, code: int, status: int) -> None:
    """Status, header and body are those of a ClickHouse server, without a traceback."""
    got, headers, body = ask(served, sql)

    assert (got, headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())
    assert b"Traceback" not in body
    assert b"version" in body


def test_an_error_in_the_middle_of_a_stream_is_an_error(client: Any) -> None:
    """In every way of reading, rows before an error are never taken for the whole result."""
    sql = "SELECT number, throwIf(number = 9000000, 'too far') FROM numbers(10000000)"
    with pytest.raises(StreamFailureError, match="too far"), client.query_row_block_stream(sql) as blocks:
        for _ in blocks:
            pass
    with pytest.raises(ClickHouseError):
        client.raw_query(sql, fmt="RowBinary")

    assert client.query("SELECT 1").first_row == (1,)


@pytest.mark.parametrize("params", [{"nosuch": "1"}, {"max_threads'": "1"}, {"database": "nowhere"}])
def test_unknown_settings_and_databases_are_refused(served: Served, params: dict[str, str]) -> None:
    """A request for an unknown name gets 404, and leaves no connection half set up."""
    assert ask(served, "SELECT 1", **params)[0] == 404
    assert ask(served, "SELECT 1")[2] == b"1\n"


def test_a_refused_request_leaves_the_connection_usable(served: Served) -> None:
    """The connection accepts the next request, and does not take the refused body for one."""
    connection = served.http()
    for headers, status in (({}, 401), ({**LOGIN, "Content-Encoding": "nonsense"}, 500), (LOGIN, 200)):
        connection.request("POST", "/", b"SELECT 1" + b" " * 100_000, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == status


def test_a_decompression_bomb_is_refused(served: Served, table: str) -> None:
    """The inflated size of a body is bounded during inflation."""
    frame = zstd.compress(bytes(64 * 1024 * 1024), 1)
    sql = f"INSERT INTO t.{table} FORMAT RowBinary"

    status, _, _ = ask(served, frame * 9, login={**LOGIN, "Content-Encoding": "zstd"}, query=sql)

    assert status == 413
    assert len(frame) * 9 < 200_000


# --- rights ----------------------------------------------------------------------------------------------------------


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


FILES = [
    "SELECT file('{f}')",
    "SELECT `file`('{f}')",
    "SELECT \"fi\\x6ce\"('{f}')",
    "SELECT file /* ( */ -- )\n ('{f}')",
    "SELECT \u2018 ' \u2019, file('{f}'), \u2018 ' \u2019",
    "SELECT $a$ ' $a$, file('{f}'), $a$ ' $a$",
    "SELECT * FROM file('{f}', 'LineAsString')",
    "SELECT * FROM '{f}'",
    "SELECT * FROM url('file://{f}', 'LineAsString')",
    "SELECT 1 INTO OUTFILE '{f}.out'",
    "SELECT 1 INTO/**/OUTFILE '{f}.out'",
    "INSERT INTO FUNCTION file('{f}.out') SELECT 1",
    "INSERT INTO {t} FROM INFILE '{f}' FORMAT LineAsString",
    "SELECT * FROM remote('127.0.0.1', 'system.one')",
    "BACKUP TABLE {t} TO File('{f}.out')",
]


@pytest.mark.parametrize("sql", FILES)
def test_no_statement_reaches_the_machines_files(client: Any, table: str, tmp_path: Path, sql: str) -> None:
    """SQL in any spelling reads and writes only the store, also for writers."""
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    with pytest.raises(DatabaseError) as refused:
        client.raw_query(sql.format(f=secret, t=f"t.{table}"))

    assert "top secret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == [secret]


# --- processes -------------------------------------------------------------------------------------------------------


def test_mixed_load_from_many_connections(served: Served, client: Any, table: str) -> None:
    """Inserts, reads, streams, errors and DDL run at once: no wrong answer and no lost acknowledged row."""
    end = time.monotonic() + 3
    inserted = [0] * 4

    def insert(worker: int) -> None:
        with contextlib.closing(served.client(database="t")) as own:
            block = b"".join(row(number, b"\n" * 50) for number in range(5000))
            while time.monotonic() < end:
                own.raw_insert(table, ["id", "text"], lz4.frame.compress(block), fmt="RowBinary", compression="lz4")
                inserted[worker] += 5000

    def read(worker: int) -> None:
        with contextlib.closing(served.reader(database="t")) as own:
            while time.monotonic() < end:
                assert own.query("SELECT {n:UInt32}", parameters={"n": worker}).first_row == (worker,)
                assert len(own.query("SELECT number FROM numbers(100000)").result_rows) == 100_000
                with pytest.raises(DatabaseError):
                    own.query("SELECT * FROM nothing")

    def change(worker: int) -> None:
        with contextlib.closing(served.client(database="t")) as own:
            while time.monotonic() < end:
                own.command(f"CREATE OR REPLACE TABLE change_{worker} (a UInt8) ENGINE = MergeTree ORDER BY a")
                own.command(f"INSERT INTO change_{worker} VALUES (1)")
                assert own.query(f"SELECT count() FROM change_{worker}").first_row == (1,)

    with ThreadPoolExecutor(12) as threads:
        jobs = [threads.submit(job, worker) for job in (insert, read, change) for worker in range(4)]
        for job in jobs:
            job.result()

    assert client.query(f"SELECT count() FROM {table}").first_row == (sum(inserted),)
    assert sum(inserted) > 0


def test_kill_9_during_inserts_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """The killed server is up again in seconds, with every acknowledged block, each whole."""
    server = Served(tmp_path)
    with contextlib.closing(server.client()) as client:
        client.command("CREATE DATABASE t ENGINE = Atomic")
        client.command("CREATE TABLE t.k (id UInt32, text String) ENGINE = MergeTree ORDER BY id")
    acknowledged: list[list[int]] = [[], []]

    def insert(worker: int) -> None:
        with contextlib.suppress(ClickHouseError), contextlib.closing(server.client(query_retries=0)) as own:
            for number in range(worker, 1_000_000, 2):
                own.raw_insert("t.k", None, row(number, b"\n") * 1000, fmt="RowBinary")
                acknowledged[worker].append(number)

    threads = [threading.Thread(target=insert, args=(worker,)) for worker in (0, 1)]
    for thread in threads:
        thread.start()
    wait_until(lambda: min(map(len, acknowledged)) > 20)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    for thread in threads:
        thread.join()
    begin = time.monotonic()
    again = Served(tmp_path, server.port)
    up_after = time.monotonic() - begin
    with contextlib.closing(again.client()) as client:
        counts = dict(client.query("SELECT id, count() FROM t.k GROUP BY id").result_rows)
    again.end()

    assert {number for numbers in acknowledged for number in numbers} <= counts.keys()
    assert set(counts.values()) == {1000}
    assert up_after < 5


@pytest.mark.fault(row=24)
def test_a_second_server_on_the_directory_says_what_to_do(served: Served) -> None:
    """The second exits at once, names the first, and does not affect it."""
    path = Path("/proc", str(served.process.pid), "fd", _status_descriptor(served.process.pid)).readlink().parent
    second = subprocess.run(
        [sys.executable, "-c", SERVE, str(path), "0"], cwd=CHECKOUT, capture_output=True, text=True, timeout=20
    )

    assert second.returncode == 1
    assert f"PID: {served.process.pid}" in second.stderr
    assert "choose another directory" in second.stderr
    assert "Traceback" not in second.stderr
    assert ask(served, "SELECT 1")[0] == 200


def _status_descriptor(pid: int) -> str:
    links = Path(f"/proc/{pid}/fd").iterdir()
    return next(link.name for link in links if link.readlink().name == "status")


def test_sigterm_lets_requests_end_and_stops_in_time(tmp_path: Path) -> None:
    """A running request is answered, an endless one stopped; idle and stalled clients cause no delay."""
    server = Served(tmp_path)
    idle = server.http()
    idle.request("POST", "/", "SELECT 1", LOGIN)
    idle.getresponse().read()
    stalled = socket.create_connection(("127.0.0.1", server.port))
    login = "".join(f"{name}: {value}\r\n" for name, value in LOGIN.items())
    stalled.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{login}Content-Length: 100\r\n\r\nSELECT".encode())
    with ThreadPoolExecutor(2) as threads:
        short = threads.submit(ask, server, "SELECT sleep(1)")
        endless = threads.submit(ask, server, "SELECT sum(cityHash64(number)) FROM numbers(100000000000)")
        time.sleep(0.5)
        begin = time.monotonic()
        code = server.end()
        elapsed = time.monotonic() - begin

    assert (code, short.result()[0], endless.result()[0]) == (0, 200, 500)
    assert elapsed < 10
    assert stalled.recv(1) == b""
