"""Queries and errors of the store server over real HTTP, through the unchanged clients of clickhouse-connect."""

import contextlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import lz4.frame
import pyarrow.ipc
import pytest
from backports import zstd
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, StreamFailureError

from tests.support.rigs.served_store import LOGIN, Served, ask, row, wait_until

pytest_plugins = ["tests.support.rigs.store_server_fixtures"]


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


@pytest.mark.parametrize("compress", [False, "lz4", "zstd"])
def test_results_come_back_whole_whatever_coding_a_client_accepts(served: Served, compress: Any) -> None:
    """Rows are the same, sent whole or streamed."""
    with contextlib.closing(served.client(compress=compress)) as client:
        small = client.query("SELECT number, toString(number) FROM numbers(3000)").result_rows
        with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(400000)") as blocks:
            rows = sum(len(block) for block in blocks)

    assert small[-1] == (2999, "2999")
    assert rows == 400_000


def test_formats_with_a_frame_are_one_document(client: Any) -> None:
    """JSON, Arrow and totals are one valid result, not one for each block."""
    document = json.loads(client.raw_query("SELECT number FROM numbers(200000)", fmt="JSON"))
    arrow = pyarrow.ipc.open_file(client.raw_query("SELECT number FROM numbers(200000)", fmt="Arrow")).read_all()
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


async def test_async_ddl_inserts_streams_and_errors(aclient: Any) -> None:
    """The async client works completely, including errors."""
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
    """In every way of reading, rows before an error are never mistaken for the whole result."""
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
    """The connection accepts the next request, and does not mistake the refused body for one."""
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
