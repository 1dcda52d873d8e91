"""No statement of any user reaches a file, an address or a program of the machine, and no reply quotes a file.

A canary is in a file outside the store. Every name of the engine is tried in every way that could open it.
"""

import contextlib
import os
from ast import literal_eval
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.store_server.allowed import FORMATS, SETTINGS, TABLE_FUNCTIONS
from devstack.store_server.tokens import tokens_of
from tests.support import CHECKOUT
from tests.support.rigs.served_store import LOGIN, Served

CANARY = "canary-of-the-store-server"
READER = {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": "r:secret"}
REFUSED = {62, 73, 115, 164, 497}


class Asking:
    """One connection that is reused."""

    def __init__(self, served: Served, login: dict[str, str]) -> None:
        self._connection, self._login = served.http(), login

    def ask(self, sql: str, headers: dict[str, str] | None = None, **params: str) -> tuple[int, str]:
        """Return the code of the error (0: none) and the whole reply."""
        query = "/?" + urlencode(params)
        self._connection.request("POST", query, sql.encode(), self._login | (headers or {}))
        response = self._connection.getresponse()
        self.body = response.read().decode("utf-8", "replace")
        return int(response.headers.get("X-ClickHouse-Exception-Code", 0)), f"{response.headers}{self.body}"

    def names(self, sql: str) -> list[str]:
        """Return the result of a query for one column."""
        code, said = self.ask(f"{sql} FORMAT TSV")
        assert code == 0, said
        return self.body.split()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("store"))
    with contextlib.closing(server.client()) as client:
        client.command("CREATE DATABASE t ENGINE = Atomic")
        client.command("CREATE TABLE t.k (a String) ENGINE = MergeTree ORDER BY a")
    yield server
    server.end()


@pytest.fixture
def writer(served: Served) -> Iterator[Asking]:
    with contextlib.closing(Asking(served, LOGIN)) as asking:
        yield asking


@pytest.fixture
def reader(served: Served) -> Iterator[Asking]:
    with contextlib.closing(Asking(served, READER)) as asking:
        yield asking


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a file whose line would be valid as a template, a schema, a row or a word."""
    path = tmp_path_factory.mktemp("outside") / "canary.txt"
    path.write_text(CANARY)
    return str(path)


@pytest.fixture(params=["absolute", "relative"])
def path(canary: str, request: pytest.FixtureRequest) -> str:
    return canary if request.param == "absolute" else os.path.relpath(canary, CHECKOUT)


def test_no_format_shows_a_file(writer: Asking, reader: Asking, path: str) -> None:
    """Every format is read and written in every way, with the settings that name templates and schemas."""
    opened = dict.fromkeys(
        ("format_template_row", "format_template_resultset", "format_schema", "output_format_schema"), path
    )
    clause = ", ".join(f"{name} = '{value}'" for name, value in opened.items())
    formats = writer.names("SELECT name FROM system.formats")
    assert "Template" in formats
    for name in formats:
        for code, said in (
            reader.ask(f"SELECT 1 AS a FORMAT {name} SETTINGS {clause}"),
            reader.ask(f"SELECT 1 AS a SETTINGS {clause} FORMAT {name}"),
            reader.ask("SELECT 1 AS a", default_format=name, **opened),
            reader.ask(f"SELECT 1 AS a SETTINGS {clause}", {"X-ClickHouse-Format": name}),
            reader.ask(f"SELECT formatRow('{name}', 1 AS a)", **opened),
            writer.ask(f"INSERT INTO t.k SETTINGS {clause} FORMAT {name} {path}"),
            writer.ask(f"INSERT INTO t.k FORMAT {name} {path}", **opened),
            writer.ask(f"SELECT * FROM format({name}, 'a String', '{path}') SETTINGS {clause}"),
        ):
            assert code in REFUSED, said
            assert CANARY not in said


def test_only_listed_formats_are_let_through(reader: Asking) -> None:
    """Every other format of the engine is refused as unknown, in any case and in quotes."""
    for name in reader.names("SELECT name FROM system.formats"):
        codes = [
            reader.ask(f"SELECT 1 AS a FORMAT {name}")[0],
            reader.ask(f"SELECT 1 AS a FORMAT {name.lower()};")[0],
            reader.ask(f"SELECT 1 AS a FORMAT `{name}`")[0],
            reader.ask("SELECT 1 AS a", default_format=name)[0],
        ]
        assert (73 in codes) == (name.lower() not in FORMATS), name
        assert len({code == 73 for code in codes}) == 1, name


def test_no_setting_opens_a_file(writer: Asking, reader: Asking, path: str) -> None:
    """Every setting for a template, a schema, a path or a file is refused at every place."""
    names = writer.names(
        "SELECT name FROM system.settings WHERE match(name, 'template|schema|path|file') "
        "UNION ALL SELECT name FROM system.merge_tree_settings WHERE match(name, 'path|file|disk|storage')"
    )
    assert len(names) > 100
    for name in set(names) - SETTINGS:
        for asking, sql, params in (
            (reader, f"SELECT 1 AS a FORMAT Template SETTINGS {name} = '{path}'", {}),
            (reader, f"SELECT 1 AS a FORMAT CSV SETTINGS max_threads == 1, `{name}` = '{path}'", {}),
            (reader, f"SELECT * FROM (SELECT 1 AS a SETTINGS {name} = '{path}')", {}),
            (reader, "SELECT 1 AS a", {name: path}),
            (reader, "SELECT 1 AS a", {name: path, "default_format": "Template"}),
            (reader, f"SET {name} = '{path}'", {}),
            (writer, f"INSERT INTO t.k SETTINGS {name} = '{path}' SELECT 'x'", {}),
            (writer, f"INSERT INTO t.k SETTINGS {name} = '{path}' FORMAT TSV x", {}),
            (writer, f"CREATE VIEW t.v AS SELECT 1 SETTINGS {name} = '{path}'", {}),
            (writer, f"CREATE TABLE t.n (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS {name} = '{path}'", {}),
            (writer, f"ALTER TABLE t.k MODIFY SETTING {name} = '{path}'", {}),
        ):
            code, said = asking.ask(sql, **params)
            assert code in (73, 115), said
            assert CANARY not in said


FOR_THE_TRANSPORT = {
    *("database", "default_format", "query_id", "role", "log_comment", "add_http_cors_header"),
    *("enable_http_compression", "wait_end_of_query", "send_progress_in_http_headers"),
    *("http_headers_progress_interval_ms", "http_write_exception_in_output_format"),
    "cancel_http_readonly_queries_on_client_close",
}  # parameters of a URL that are no settings there


def test_only_listed_settings_may_be_set(reader: Asking) -> None:
    """Every other setting of the engine is refused, both in SQL and in the URL."""
    others = set(reader.names("SELECT name FROM system.settings")) - SETTINGS
    assert len(others) > 1000
    for name in others:
        assert reader.ask(f"SELECT 1 SETTINGS {name}")[0] == 115, name
        assert name in FOR_THE_TRANSPORT or reader.ask("SELECT 1", **{name: "1"})[0] == 115, name


def test_no_table_function_but_the_listed(writer: Asking, reader: Asking, canary: str) -> None:
    """Every other table function is refused wherever one is possible, in any spelling of its name."""
    functions = writer.names("SELECT name FROM system.table_functions")
    assert "python" in functions
    for name in [*functions, "Python"]:
        if name.lower() in TABLE_FUNCTIONS or name == "SQLStandardValues":
            continue
        for asking, sql in (
            (reader, f"SELECT * FROM {name}('{canary}')"),
            (reader, f"SELECT * FROM {name.upper()} /* ( */ ('{canary}', 'LineAsString')"),
            (reader, f"SELECT * FROM `{name}`('{canary}', 'LineAsString', 'line String')"),
            (reader, f"SELECT * FROM numbers(1) AS n, \"{name}\"('{canary}') AS f"),
            (reader, f"SELECT * FROM numbers(1) AS n JOIN {name}(params) AS f ON 1"),
            (reader, f"DESCRIBE TABLE {name}('{canary}')"),
            (reader, f"DESCRIBE {name}('{canary}')"),
            (reader, f"EXPLAIN SELECT * FROM {name}('{canary}')"),
            (writer, f"INSERT INTO FUNCTION {name}('{canary}') SELECT 1"),
            (writer, f"INSERT INTO TABLE FUNCTION {name}('{canary}') FORMAT TSV x"),
            (writer, f"CREATE TABLE t.f AS {name}('{canary}')"),
            (writer, f"CREATE VIEW t.f AS SELECT * FROM {name}('{canary}')"),
        ):
            code, said = asking.ask(sql)
            if (code, name) != (62, "format"):  # INSERT INTO FUNCTION format: there it is a keyword
                assert code == 497, (sql, said)
                assert f"{name.lower()} is not allowed here" in said, said
            assert CANARY not in said
    assert writer.names("SELECT name FROM system.tables WHERE database = 't'") == ["k"]


def test_no_function_reads_a_file(reader: Asking, canary: str) -> None:
    """Every function of the engine is called with a path."""
    for name in reader.names(
        "SELECT name FROM system.functions WHERE NOT is_aggregate AND NOT match(name, '[^a-zA-Z0-9_]')"
    ):
        for sql in (
            f"SELECT {name}('{canary}')",
            f"SELECT {name}('{canary}', '{canary}')",
        ):
            assert CANARY not in reader.ask(f"{sql} SETTINGS max_execution_time = 1")[1], sql


SMUGGLED = [
    "SELECT * APPLY file FROM (SELECT '{f}' AS p)",
    "SELECT * APPLY(`file`) FROM (SELECT '{f}' AS p)",
    "SELECT * APPLY((\"fi\\x6ce\")) FROM (SELECT '{f}' AS p)",
    "SELECT arrayMap(file, ['{f}'])",
    "SELECT arrayMap((file) AS g, ['{f}'])",
    "SELECT arrayMap(\u201cfile\u201d, ['{f}'])",
    "SELECT arrayMap(`fi\\x6ce`, ['{f}'])",
    "SELECT arrayMap({{p:Identifier}}, ['{f}'])",
    "SELECT 1 AS a$b$, file('{f}') AS c$b$",
    "SELECT 1a$b$ x $b$, file('{f}'), $b$",
    "SELECT t.1.e5$b$, file('{f}') AS c$b$ FROM (SELECT tuple(1) AS t)",
    "SELECT \u00a0\u2018 ' \u2019, file('{f}'), ' '",
    "SELECT number\u2212.5file('{f}') FROM numbers(1)",
    "SELECT * FROM format(Values, 'x String', $$(file('{f}'))$$)",
    "SELECT * FROM format('Values', 'x String', $$(file('{f}'))$$)",
    "SELECT * FROM format(concat('Val', 'ues'), 'x String', $$(file('{f}'))$$)",
    "SELECT * FROM format('(file(''{f}''))')",
    "SELECT * FROM format('auto', '(file(''{f}''))')",
    "SELECT * FROM format('{{}}(file(''{f}''))')",
    "SELECT * FROM numbers(1) AS n, format(  'values' , 'x String', $$(file('{f}'))$$) AS f",
    "SELECT formatRow('Template', 1) SETTINGS/**/format_template_row/**/='{f}'",
    "SELECT 1 AS a FORMAT `Template` SETTINGS \"format_template_row\" = '{f}'",
    "SELECT 1 AS a FORMAT /* CSV */ template SETTINGS `format_templ\\x61te_row` = '{f}'",
    "SELECT 1 AS a SETTINGS async_insert, format_template_row = '{f}' FORMAT CSV",
    "SELECT 1 AS a SETTINGS max_threads == 1, format_template_row == '{f}' FORMAT CSV",
    "SELECT 1 AS a SETTINGS max_threads = -1, format_template_row = '{f}' FORMAT CSV",
    "SELECT 1 AS a SETTINGS max_threads = {{p:UInt8}}, format_template_row = '{f}' FORMAT CSV",
    "SELECT 1 AS a SETTINGS max_threads = disk(type = local, path = '{f}')",
    "SELECT 1 AS settings SETTINGS format_template_row = '{f}' FORMAT CSV",
    "SELECT.5FORMAT Template SETTINGS format_template_row = '{f}'",
    "SELECT 1 AS a FORMAT CSV SETTINGS max_threads = 1, dialect = 'prql'",
    "(SELECT 1 AS a) FORMAT Template",
    "EXPLAIN SELECT 1 AS a FORMAT Template SETTINGS format_template_row = '{f}'",
    "INSERT INTO t.k VALUES (file('{f}'))",
    "INSERT INTO t.k FORMAT `Values` ('a'), (`fi\\x6ce`('{f}'))",
    "INSERT INTO t.k (a) SETTINGS async_insert = 0 VALUES ('--'), /* ' */ (concat('x', file('{f}')))",
    "INSERT INTO t.k VALUES ((SELECT arrayMap(file, ['{f}'])[1]))",
    "INSERT INTO t.k VALUES ((SELECT * FROM python(params)))",
    "INSERT INTO t.k SELECT file('{f}')",
    "INSERT INTO t.k SELECT * FROM input('a String') FORMAT Values (file('{f}'))",
    "CREATE FUNCTION f AS x -> file(x)",
    "CREATE FUNCTION f AS x -> x",
    "CREATE DICTIONARY t.d (a String) PRIMARY KEY a SOURCE(FILE(path '{f}' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY t.d (a String) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY t.d (a String) PRIMARY KEY a SOURCE(`EXECUTABLE`(command 'cat {f}' format 'CSV'))",
    "CREATE TABLE t.e (a String) ENGINE = File(CSV, '{f}')",
    "CREATE TABLE t.e (a String) ENGINE == `File`(CSV, '{f}')",
    "CREATE TABLE t.e (a String) ENGINE Executable('cat', 'CSV')",
    "CREATE TABLE t.e (a String) ENGINE = Executable('cat', 'CSV')",
    "CREATE TABLE t.e (a String) ENGINE = Distributed(a, b, c)",
    "CREATE TABLE t.e (a String DEFAULT file('{f}')) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE t.e (a String SETTINGS (disk = '{f}')) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE t.e (a String) ENGINE = Memory PARALLEL WITH CREATE TABLE t.g (a String) ENGINE = Memory",
    "CREATE DATABASE e ENGINE = Filesystem('{f}')",
    "CREATE DATABASE e ENGINE = SQLite('{f}')",
    "ATTACH TABLE t.e FROM '{f}' (a String) ENGINE = MergeTree ORDER BY a",
    "SELECT aiGenerate('x')",
]


@pytest.mark.parametrize("sql", SMUGGLED)
def test_nothing_is_smuggled_past_the_lists(writer: Asking, canary: str, sql: str) -> None:
    """Quotes, escapes, comments, parameters, numbers and synonyms do not help."""
    code, said = writer.ask(sql.format(f=canary), param_p="file")

    assert code in REFUSED, said
    assert CANARY not in said


def test_what_was_refused_left_nothing_behind(writer: Asking) -> None:
    """No table, row or function of the tests above exists."""
    assert writer.names("SELECT name FROM system.tables WHERE database = 't'") == ["k"]
    assert writer.names("SELECT a FROM t.k") == []
    assert writer.names("SELECT name FROM system.functions WHERE origin != 'System'") == []


HARMLESS = [
    "SELECT format('{} {}', 1, 2), format ( 'CSV {}', 3 )",
    "SELECT format, url, file FROM (SELECT 1 AS format, 2 AS url, 3 AS file) ORDER BY format DESC",
    "SELECT count(file), (file) FROM (SELECT 1 AS file) GROUP BY file",
    "SELECT arrayMap(x -> x + t.file, [1]) FROM (SELECT 1 AS file) AS t",
    "SELECT name, value FROM system.settings WHERE name = 'format_template_row' AND NOT changed",
    "SELECT s.name FROM system.settings s, system.one o LIMIT 1",
    "SELECT name, engine FROM system.tables WHERE engine = 'File' AND engine != 'URL' ORDER BY engine",
    "SELECT Settings['format_schema'] FROM system.processes",
    "SELECT * APPLY(toString) FROM numbers(1)",
    "SELECT * APPLY(x -> x + 1) FROM numbers(1)",
    "SELECT arrayMap(negate, [1]), arraySort([2, 1])",
    "SELECT 1 SETTINGS max_threads = 1, extremes FORMAT JSON",
    "SELECT * FROM (SELECT 1 SETTINGS max_threads = 1) AS a, numbers(1) AS b SETTINGS max_block_size = 8",
    "SELECT 'SETTINGS format_schema = 1', '; file(', $$ url( $$ -- FORMAT Template",
    "SELECT CASE WHEN 1 THEN 2 ELSE format END FROM (SELECT 1 AS format)",
    "EXPLAIN indexes = 1, actions = 1 SELECT 1",
    "SET max_threads = 1, param_x = 'y'",
    "SET TIME ZONE 'UTC'",
    "SHOW TABLES FROM t",
    "SHOW CREATE TABLE t.k",
    "EXISTS TABLE t.k",
    "DESCRIBE TABLE t.k",
]


@pytest.mark.parametrize("sql", HARMLESS)
def test_harmless_statements_are_let_through(reader: Asking, sql: str) -> None:
    """Columns, strings and comments with such names pass, as do the queries of tools."""
    code, said = reader.ask(sql, param_p="3")

    assert code == 0, said


def test_tables_may_have_any_name(writer: Asking) -> None:
    """A table or a column with the name of a function can be created, written and read."""
    for sql in (
        "CREATE TABLE IF NOT EXISTS t.file (url String, file FixedString(3)) ENGINE MergeTree ORDER BY url",
        "INSERT INTO t.file (url, file) VALUES ('format(', 'abc'), (concat('u', 'rl'), 'def'), (NULL, 'x')",
        "INSERT INTO TABLE t.file (url, file) FORMAT TSV file(\tabc",
        "SELECT url, file.file FROM t.file AS file",
        "DROP TABLE t.file",
    ):
        code, said = writer.ask(sql)
        assert code == 0, said


def test_ordinary_errors_say_what_is_wrong(writer: Asking) -> None:
    """Syntax, unknown tables, types, and the client's own data are named."""
    for sql, code, text in (
        ("SELECT 1 +", 62, "Syntax error: failed at position"),
        ("SELECT * FROM t.nothing", 60, "nothing"),
        ("SELECT toUInt8('abc')", 6, "abc"),
        ("INSERT INTO t.k FORMAT JSONEachRow {'a' - 7}", 26, "Cannot parse JSON string: expected opening quote"),
    ):
        got, said = writer.ask(sql)
        assert (got, text in said) == (code, True), said


PIECES = [
    *("'", '"', "`", "\\", "\u2018", "\u2019", "\u201c", "\u201d", "$", "$a$", "$b$", "$$", "a", "b", "1", "1.", "."),
    *("_", "0x", "0b1", "e", "E", "+", "-", "--", "/*", "*/", "//", "#", "# ", "#!", "\n", " ", "\u00a0", "\u00e9"),
    *("(", ")", "[", "]", "file", "x", "1e5", ".5", "\u2003", "b'1'", "x'41'", "p", "@", "{", "}", "\r", "=", "0xf"),
    *("^", "\u2212"),
]
KINDS = {"BareWord": "word", "QuotedIdentifier": "name", "StringLiteral": "string", "HereDoc": "string"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), min_size=100, max_size=100))
def test_text_is_cut_where_the_engine_cuts_it(reader: Asking, texts: list[str]) -> None:
    """Words, names and strings end as in the engine's lexer, so that nothing can hide in a string."""
    # A statement does not begin with a dot; a space at the end keeps an exponent from being the last character.
    texts = [f"SELECT {text} " for text in texts]
    hexed = ", ".join(f"unhex('{text.encode().hex()}')" for text in texts)
    reader.ask(f"SELECT toString(tokenizeQuery(arrayJoin([{hexed}]))) FORMAT TSVRaw")

    for text, line in zip(texts, reader.body.splitlines(), strict=True):
        theirs = [(start, end, KINDS[kind]) for start, end, kind in literal_eval(line) if kind in KINDS]
        ours = [(token.start, token.end, token.kind) for token in tokens_of(text.encode())]
        if "Error" not in line:
            assert [token for token in ours if token[2] in KINDS.values()] == theirs, text
