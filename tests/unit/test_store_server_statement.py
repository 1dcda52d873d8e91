"""What the store server reads from a statement before the engine runs it."""

import contextlib

import pytest

from devstack.store_server.errors import StoreError
from devstack.store_server.statement import CACHED_MAX, parse_statement
from tests.support.processor_time import least_processor_s


@pytest.mark.parametrize(
    ("sql", "target", "settings", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT RowBinary\n\n\x01", b"INSERT INTO t ", b"", "RowBinary", b"\n\x01"),
        (b"INSERT INTO t (a, b) FORMAT TSV 1\t2\n", b"INSERT INTO t (a, b) ", b"", "TSV", b"1\t2\n"),
        (b"insert into d.t\r\nformat CSV\r\n\r\n1", b"insert into d.t\r\n", b"", "CSV", b"\r\n1"),
        (b"INSERT INTO t SETTINGS a = 1 FORMAT TSV\n", b"INSERT INTO t ", b"SETTINGS a = 1 ", "TSV", b""),
        (b"INSERT INTO t VALUES (1, ';')", b"INSERT INTO t ", b"", "Values", b"(1, ';')"),
        (b"INSERT INTO d.values (format) VALUES (1)", b"INSERT INTO d.values (format) ", b"", "Values", b"(1)"),
        (b"INSERT INTO `FORMAT x` FORMAT TSV\n", b"INSERT INTO `FORMAT x` ", b"", "TSV", b""),
        (b"INSERT INTO t -- FORMAT x\n FORMAT TSV\n", b"INSERT INTO t -- FORMAT x\n ", b"", "TSV", b""),
    ],
)
def test_an_insert_is_cut_where_its_data_begins(
    sql: bytes, target: bytes, settings: bytes, data_format: str, data: bytes
) -> None:
    """Data begins after the format and one line end; names, comments and strings do not mislead."""
    statement = parse_statement(sql)

    assert statement.data_at is not None
    assert (statement.target, statement.settings, statement.format) == (target, settings, data_format)
    assert sql[statement.data_at :] == data


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t SELECT 1 AS format",
        b"INSERT INTO t (a) WITH 1 AS x SELECT x",
        b"INSERT INTO t (SELECT a FROM x)",
        b"INSERT INTO t",
    ],
)
def test_an_insert_without_data_has_none(sql: bytes) -> None:
    """INSERT ... SELECT goes to the engine unchanged."""
    statement = parse_statement(sql)

    assert (statement.verb, statement.is_insert, statement.reads) == ("INSERT", False, False)


@pytest.mark.parametrize(
    ("sql", "into"),
    [
        (b"INSERT INTO requests SELECT 1", ("requests",)),
        (b"insert into crewkit.requests (id) values (1)", ("crewkit", "requests")),
        (b'INSERT INTO `crewkit` . "requests" FORMAT CSV 1', ("crewkit", "requests")),
        (b"/* a */ INSERT -- b\n INTO crewkit/* c */.requests SELECT 1", ("crewkit", "requests")),
        (b"INSERT INTO requests . other SELECT 1", ("requests", "other")),
        (b"INSERT INTO `crewkit.requests` SELECT 1", ("crewkit.requests",)),
        (b"INSERT INTO crewkit.requests.x SELECT 1", ("crewkit", "requests", "x")),
        (b"INSERT INTO `crew\\x6bit`.requests SELECT 1", ("`crew\\x6bit`", "requests")),
        (b"INSERT INTO {requests:Identifier} SELECT 1", ()),
        (b"INSERT INTO crewkit.{requests:Identifier} SELECT 1", ()),
        (b"INSERT INTO {crewkit:Identifier}.requests SELECT 1", ()),
        (b"INSERT INTO FUNCTION null('a UInt8') SELECT 1", ("FUNCTION",)),
        (b"INSERT INTO TABLE crewkit.requests SELECT 1", ("TABLE",)),
        (b"INSERT crewkit.requests SELECT 1", ()),
        (b"INSERT `INTO` crewkit.requests SELECT 1", ()),
        (b"INSERT INTO .requests SELECT 1", ()),
        (b"INSERT INTO 'crewkit'.requests SELECT 1", ()),
        (b"INSERT INTO crewkit.", ()),
        (b"INSERT INTO", ()),
        (b"SELECT 1", ()),
    ],
)
def test_the_table_of_an_insert_is_read_only_where_it_is_written_out(sql: bytes, into: tuple[str, ...]) -> None:
    """A name from a parameter is not read, and a dot in quotes does not separate a database."""
    assert parse_statement(sql).into == into


@pytest.mark.parametrize(
    ("sql", "result_format"),
    [
        (b"SELECT 1\n FORMAT Native", "Native"),
        (b"SELECT 1 FORMAT JSON;", "JSON"),
        (b"SELECT 1 FORMAT JSON -- FORMAT CSV", "JSON"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        (b"SELECT 'x FORMAT CSV'", ""),
        (b"SELECT 1 AS format", ""),
        (b"SELECT format, x FROM t", ""),
        (b"SELECT (SELECT 1 FORMAT CSV)", ""),
    ],
)
def test_the_format_of_a_result_is_found(sql: bytes, result_format: str) -> None:
    """Only a FORMAT that ends the statement counts."""
    assert parse_statement(sql).format == result_format


@pytest.mark.parametrize(
    ("sql", "verb"),
    [
        (b"/* INSERT /* nested */ */ -- DROP\n # SET\n ((select 1))", "SELECT"),
        (b"WITH 1 AS x SELECT x", "WITH"),
        (b"", ""),
        (b"'SELECT'", ""),
    ],
)
def test_the_verb_is_the_first_word(sql: bytes, verb: str) -> None:
    """Comments and brackets before it are skipped, as in ClickHouse."""
    assert parse_statement(sql).verb == verb


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT 1; DROP TABLE t",
        b"SELECT ';'; SELECT 2",
        b"SELECT 1 INTO OUTFILE 'x'",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t FROM /* */ INFILE 'x'",
        b"ATTACH TABLE t FROM 'x' (a UInt8) ENGINE = MergeTree ORDER BY a",
        b"CREATE TABLE a (a UInt8) ENGINE = Memory PARALLEL WITH DROP TABLE t",
        b"SELECT 'a\\'', 1; SELECT 2",
        b"SELECT 1 /* /* */ , ' */ ; SELECT 2 -- '",
        b"SELECT $a$'$a$, 1; SELECT $a$'$a$",
    ],
)
def test_files_and_second_statements_are_refused(sql: bytes) -> None:
    """Neither reaches the engine."""
    with pytest.raises(StoreError) as refused:
        parse_statement(sql)

    assert refused.value.code in (62, 497)


def test_a_format_of_data_is_a_name() -> None:
    """The format becomes part of the statement that the engine runs, so it must not contain SQL."""
    with pytest.raises(StoreError, match="Unknown format"):
        parse_statement(b"INSERT INTO t FORMAT `CSV; DROP TABLE t` 1")


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        *(b"(", b"SETTINGS a = (", b"SETTINGS a, ", b"'\\", b"(`\\`, ", b"/* ", b"a.", b"APPLY (", b"\xe2\x80\x98"),
        *(b"arrayMap(file, ", b"FORMAT CSV SETTINGS ", b"{x:Identifier}", b"$a ", b"1_", b"SELECT $%d$ ", b"x'"),
    ],
)
def test_a_statement_costs_in_proportion(piece: bytes) -> None:
    """Four times the text takes about four times the processor time, for anything repeated in it."""

    def cost(times: int) -> float:
        repeated = b"".join(piece % number if b"%d" in piece else piece for number in range(times))

        def check() -> None:
            with contextlib.suppress(StoreError):
                parse_statement(b"SELECT " + b" " * CACHED_MAX + repeated)  # too long for the cache

        return least_processor_s(check)

    small, large = cost(4_000), cost(16_000)

    assert large < 8 * small + 0.05
