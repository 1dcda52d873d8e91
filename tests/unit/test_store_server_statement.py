"""What the store server sees in a statement before the engine does."""

import pytest

from deploy.store_server.errors import StoreError
from deploy.store_server.statement import parse_statement


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
    """Exactly the bytes after the format, less one line end, are data; names, comments and strings do not mislead."""
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
    """INSERT ... SELECT goes to the engine as it is."""
    statement = parse_statement(sql)

    assert (statement.verb, statement.is_insert, statement.reads) == ("INSERT", False, False)


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
    """Comments and brackets before it are skipped as ClickHouse skips them."""
    assert parse_statement(sql).verb == verb


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT 1; DROP TABLE t",
        b"SELECT ';'; SELECT 2",
        b"SELECT 1 INTO OUTFILE 'x'",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t FROM /* */ INFILE 'x'",
        b"SELECT file('x')",
        b"SELECT FILE\n('x')",
        b"SELECT \"file\"\xc2\xa0('x')",
        b"SELECT `fi\\x6ce`('x')",
        b"SELECT $a$'$a$, file('x'), $a$'$a$",
        b"SELECT 'a\\'', file('x')",
        b"SELECT 1 /* /* */ , ' */ , file('x') -- '",
        b"INSERT INTO t SELECT file('x')",
    ],
)
def test_files_and_second_statements_are_refused(sql: bytes) -> None:
    """No comment, quote or escape hides what would leave the store."""
    with pytest.raises(StoreError) as refused:
        parse_statement(sql)

    assert refused.value.code in (62, 497)


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT 'file(x); INTO OUTFILE', file, t.file FROM t -- ; file(",
        b"SELECT count(file), file FROM file WHERE (file) = 'x';",
        b"CREATE TABLE file (file String)",
        b"SELECT 1;;",
    ],
)
def test_harmless_statements_pass(sql: bytes) -> None:
    """Strings, comments and names that only look like it are let through."""
    parse_statement(sql)
