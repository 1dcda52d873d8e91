"""What the store server reads from a statement before the engine runs it."""

import contextlib
from pathlib import Path

import pytest

from devstack.store_server.engine import Known
from devstack.store_server.errors import StoreError
from devstack.store_server.guard import Guard
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
    ],
)
def test_files_and_second_statements_are_refused(sql: bytes) -> None:
    """Neither reaches the engine."""
    with pytest.raises(StoreError) as refused:
        parse_statement(sql)

    assert refused.value.code in (62, 497)


KNOWN = Known(
    table_functions=frozenset({"file", "url", "format", "numbers", "values", "null", "Eval"}),
    higher_order=frozenset({"arrayMap"}),
    settings=frozenset({"max_threads", "format_schema", "async_insert"}),
)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"SELECT file('x')", 497),
        (b"SELECT FILE\n('x')", 497),
        (b"SELECT \"file\"\xc2\xa0('x')", 497),
        (b"SELECT `fi\\x6ce`('x')", 497),
        (b"SELECT $a$'$a$, file('x'), $a$'$a$", 497),
        (b"SELECT 'a\\'', file('x')", 497),
        (b"SELECT 1 /* /* */ , ' */ , file('x') -- '", 497),
        (b"INSERT INTO t SELECT file('x')", 497),
        (b"INSERT INTO FUNCTION file('x') FORMAT CSV", 497),
        (b"DESCRIBE TABLE url('x')", 497),
        (b"SELECT * FROM eval('SELECT 1')", 497),
        (b"SELECT arrayMap((file), [1])", 497),
        (b"SELECT arrayMap({x:Identifier}, [1])", 497),
        (b"SELECT * APPLY(file)", 497),
        (b"SELECT * FROM format(CSV, '1')", 497),
        (b"SELECT * FROM format('CSV', '1')", 497),
        (b"SELECT * FROM format('{1}')", 497),
        (b"SELECT format(concat('{', '}'), 1)", 497),
        (b"CREATE TABLE t (a UInt8) ENGINE = Unknown", 497),
        (b"CREATE TABLE t (a UInt8) ENGINE File(CSV)", 497),
        (b"CREATE TABLE t (a UInt8) ENGINE == `MergeTr\\x65e`", 497),
        (b"SELECT 1 FORMAT Template", 73),
        (b"SELECT 1 FORMAT `Template`;", 73),
        (b"INSERT INTO t FORMAT Template x", 73),
        (b"SELECT 1 SETTINGS format_schema = 'x'", 115),
        (b"SELECT 1 SETTINGS max_threads = 1, `format_schema` = 'x' FORMAT CSV", 115),
        (b"SELECT (SELECT 1 SETTINGS max_threads == 1, format_schema == 'x')", 115),
        (b"SELECT 1 SETTINGS async_insert, format_schema", 115),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = {a: 1}, format_schema = 'x'", 115),
        (b"CREATE TABLE t (a UInt8 SETTINGS (disk = 'x')) ENGINE = MergeTree", 115),
        (b"INSERT INTO t SETTINGS format_schema = 'x' FORMAT CSV 1", 115),
        (b"SET max_threads = 1, format_schema = 'x'", 115),
        (b"SET format_schema", 115),
    ],
)
def test_what_is_not_listed_is_refused(sql: bytes, code: int) -> None:
    """No comment, quote, escape, bracket or case hides access to anything outside the store."""
    with pytest.raises(StoreError) as refused:
        Guard(KNOWN).check(parse_statement(sql))

    assert refused.value.code == code


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT 'file(x); INTO OUTFILE', file, t.file FROM t -- ; file(",
        b"SELECT count(file), file FROM file WHERE (file) = 'x';",
        b"CREATE TABLE file (file String)",
        b"CREATE TABLE IF NOT EXISTS d.url (format String) ENGINE = MergeTree ORDER BY format",
        b"INSERT INTO d.file (a) FORMAT CSV 1",
        b"SELECT format('{}', 1), format FROM t ORDER BY format DESC",
        b"SELECT settings, a FROM system.settings WHERE name = 'format_schema'",
        b"SELECT engine FROM t WHERE engine = 'File'",
        b"SELECT 1;;",
    ],
)
def test_harmless_statements_pass(sql: bytes) -> None:
    """Strings, comments and names that only look like access to files pass."""
    Guard(KNOWN).check(parse_statement(sql))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (b"(1, 'file(''x'')'), (-2.5e3, NULL)", 0),
        (b"(1 + 1, concat('a', 'b'), now())", 0),
        (b"('it''s', '\\'', 'file(')", 0),
        (b"((SELECT * FROM NULL ('x String')))", 497),
        (b"('a'), (file('x'))", 497),
        (b"('a\\''), (`fi\\x6ce`('x'))", 497),
        (b"('a') /* ' */, (file('x')) -- '", 497),
        (b"((SELECT 1 SETTINGS format_schema = 'x'))", 115),
        (b"(" + b"url, " * 130_000 + b"1)", 307),
    ],
)
def test_values_are_judged_as_expressions(tmp_path: Path, values: bytes, code: int) -> None:
    """Data in VALUES may call functions, except those that a statement may not call."""
    data = tmp_path / "data"
    data.write_bytes(values)
    statement, refused = parse_statement(b"INSERT INTO t VALUES " + values), 0
    try:
        Guard(KNOWN).check_data(statement, str(data))
    except StoreError as error:
        refused = error.code

    assert refused == code


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "rows"),
    [(b"'it''s \\' long', 7", 20_000), (b"concat('a', 'b'), 7", 20_000), (b"concat('a', url), 7", 2_000)],
)
def test_judging_values_costs_in_proportion(tmp_path: Path, value: bytes, rows: int) -> None:
    """Four times the rows take about four times the processor time: literals, expressions, and names to check."""

    def cost(rows: int) -> float:
        data = tmp_path / "data"
        data.write_bytes(b", ".join([b"(%b)" % value] * rows))
        return least_processor_s(lambda: Guard(KNOWN).check_data(parse_statement(b"INSERT INTO t VALUES "), str(data)))

    small, large = cost(rows), cost(4 * rows)

    assert large < 8 * small + 0.05


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
                Guard(KNOWN).check(parse_statement(b"SELECT " + b" " * CACHED_MAX + repeated))  # too long for the cache

        return least_processor_s(check)

    small, large = cost(4_000), cost(16_000)

    assert large < 8 * small + 0.05


def test_the_lists_name_what_the_product_asks() -> None:
    """Every SQL file of the product passes."""
    folders = ("schemas", "processors", "query_api", "audit", "bench")
    files = [file for folder in folders for file in Path(folder).rglob("*.sql")]
    assert len(files) > 40
    for file in files:
        for statement in file.read_bytes().split(b";\n"):
            Guard(KNOWN).check(parse_statement(statement))
