"""No statement of any user reaches a file, an address or a program of the machine, and no reply quotes a file.

A canary is in a file outside the store. Every name of the engine is tried in the ways that could open it; without the
confinement of the process or without the grants, some of them show the canary.
"""

import contextlib
from ast import literal_eval
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devstack.store_server.tokens import tokens_of
from tests.support.rigs.served_store import LOGIN, Served

CANARY = "canary-of-the-store-server"
READER = {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": "r:secret"}
# Table functions that make rows from their arguments.
HARMLESS = {"values", "sqlstandardvalues", "format", "view", "generate_series", "generateseries"}
HARMLESS |= {"numbers", "numbers_mt", "zeros", "zeros_mt", "primes"}


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
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the path of a file whose line would be valid as a template, a schema, a row or a word; see it unchanged.

    Nothing is written beside it either.
    """
    folder = tmp_path_factory.mktemp("outside")
    path = folder / "canary.txt"
    path.write_text(CANARY)
    yield str(path)
    assert list(folder.iterdir()) == [path]
    assert path.read_text() == CANARY


def test_no_format_shows_a_file(writer: Asking, reader: Asking, canary: str) -> None:
    """Every format is read and written, with the settings that name templates and schemas."""
    opened = dict.fromkeys(
        ("format_template_row", "format_template_resultset", "format_schema", "output_format_schema"), canary
    )
    clause = ", ".join(f"{name} = '{value}'" for name, value in opened.items())
    formats = writer.names("SELECT name FROM system.formats")
    assert "Template" in formats
    for name in formats:
        for code, said in (
            reader.ask(f"SELECT 1 AS a FORMAT {name} SETTINGS {clause}"),
            reader.ask("SELECT 1 AS a", default_format=name, **opened),
            reader.ask(f"SELECT formatRow('{name}', 1 AS a)", **opened),
            writer.ask(f"INSERT INTO t.k SETTINGS {clause} FORMAT {name} {canary}"),
            writer.ask(f"SELECT * FROM format({name}, 'a String', '{canary}') SETTINGS {clause}"),
        ):
            assert code == 452, said
            assert CANARY not in said


def test_no_setting_opens_a_file(writer: Asking, reader: Asking, canary: str) -> None:
    """Every setting for a template, a schema, a path or a file is tried at every place."""
    names = writer.names(
        "SELECT name FROM system.settings WHERE match(name, 'template|schema|path|file') "
        "UNION ALL SELECT name FROM system.merge_tree_settings WHERE match(name, 'path|file|disk|storage')"
    )
    assert len(names) > 100
    for name in names:
        for asking, sql, params in (
            (reader, f"SELECT 1 AS a FORMAT Template SETTINGS {name} = '{canary}'", {}),
            (reader, "SELECT 1 AS a", {name: canary, "default_format": "Template"}),
            (writer, f"INSERT INTO t.k SETTINGS {name} = '{canary}' FORMAT TSV x", {}),
            (writer, f"CREATE TABLE t.n (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS {name} = '{canary}'", {}),
            (writer, f"ALTER TABLE t.k MODIFY SETTING {name} = '{canary}'", {}),
        ):
            assert CANARY not in asking.ask(sql, **params)[1], sql
        writer.ask("DROP TABLE IF EXISTS t.n")


def test_no_table_function_opens_a_file(writer: Asking, reader: Asking, canary: str) -> None:
    """Every table function but those that make rows from their arguments fails wherever one is possible."""
    functions = writer.names("SELECT name FROM system.table_functions")
    assert {"file", "url", "python"} <= set(functions)
    for name in [*functions, "Python"]:
        if name.lower() in HARMLESS:
            continue
        for asking, sql in (
            (reader, f"SELECT * FROM {name}('{canary}')"),
            (reader, f"SELECT * FROM `{name}`('{canary}', 'LineAsString', 'line String')"),
            (reader, f"DESCRIBE {name}('{canary}', 'LineAsString')"),
            (writer, f"INSERT INTO FUNCTION {name}('{canary}.out', 'CSV', 'a String') SELECT 1"),
            (writer, f"INSERT INTO TABLE FUNCTION {name}('{canary}') FORMAT TSV x"),
            (writer, f"CREATE TABLE t.f AS {name}('{canary}')"),
            (writer, "SELECT * FROM t.f"),
        ):
            code, said = asking.ask(sql)
            assert code != 0 or sql.startswith("CREATE"), (sql, said)
            assert CANARY not in said
        writer.ask("DROP TABLE IF EXISTS t.f")


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


ATTEMPTS = [
    "SELECT file('{f}')",
    "SELECT \"fi\\x6ce\"('{f}')",
    "SELECT file('/proc/self/environ')",
    "SELECT file('/proc/{pid}/environ')",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM file('{f}', 'LineAsString')",
    "SELECT * FROM '{f}'",
    "SELECT * FROM url('file://{f}', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', 'system.one')",
    "SELECT 1 INTO OUTFILE '{f}.out'",
    "SELECT 1 INTO/**/OUTFILE '{f}.out'",
    "INSERT INTO FUNCTION file('{f}.out') SELECT 1",
    "INSERT INTO t.k FROM INFILE '{f}' FORMAT LineAsString",
    "BACKUP TABLE t.k TO File('{f}.out')",
    "SELECT * APPLY file FROM (SELECT '{f}' AS p)",
    "SELECT arrayMap(file, ['{f}'])",
    "SELECT arrayMap({{p:Identifier}}, ['{f}'])",
    "SELECT 1 AS a$b$, file('{f}') AS c$b$",
    "SELECT number\u2212.5file('{f}') FROM numbers(1)",
    "SELECT * FROM format(Values, 'x String', $$(file('{f}'))$$)",
    "SELECT * FROM format(concat('Val', 'ues'), 'x String', $$(file('{f}'))$$)",
    "SELECT 1 AS a FORMAT /* CSV */ template SETTINGS `format_templ\\x61te_row` = '{f}'",
    "SELECT 1 AS a SETTINGS async_insert, format_template_row = '{f}' FORMAT CSV",
    "SELECT 1 AS a SETTINGS max_threads = disk(type = local, path = '{f}')",
    "SELECT 1 AS a FORMAT CSV SETTINGS max_threads = 1, dialect = 'prql'",
    "INSERT INTO t.k VALUES (file('{f}'))",
    "INSERT INTO t.k (a) SETTINGS async_insert = 0 VALUES ('--'), /* ' */ (concat('x', file('{f}')))",
    "INSERT INTO t.k VALUES ((SELECT * FROM python(params)))",
    "INSERT INTO t.k SELECT file('{f}')",
    "CREATE FUNCTION f AS x -> file(x)",
    "CREATE DICTIONARY t.d (a String) PRIMARY KEY a SOURCE(FILE(path '{f}' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY t.d (a String) PRIMARY KEY a SOURCE(`EXECUTABLE`(command 'cat {f}' format 'CSV'))",
    "CREATE TABLE t.e (a String) ENGINE = File(CSV, '{f}')",
    "CREATE TABLE t.e (a String) ENGINE = Distributed(a, b, c)",
    "CREATE TABLE t.e (a String DEFAULT file('{f}')) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE t.e (a String SETTINGS (disk = '{f}')) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE t.e (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '{f}.d/')",
    "CREATE DATABASE e ENGINE = Filesystem('{f}')",
    "CREATE DATABASE e ENGINE = SQLite('{f}')",
    "ATTACH TABLE t.e FROM '{f}' (a String) ENGINE = MergeTree ORDER BY a",
    "SELECT aiGenerate('x')",
]


@pytest.mark.parametrize("sql", ATTEMPTS)
def test_no_statement_leaves_the_store(served: Served, writer: Asking, canary: str, sql: str) -> None:
    """Formats, functions, engines, dictionaries and clauses fail for the user with the most rights, in any spelling."""
    code, said = writer.ask(sql.format(f=canary, pid=served.process.pid), param_p="file")

    assert code != 0, said
    assert CANARY not in said
    assert "PATH=" not in said


def test_no_statement_starts_a_program(writer: Asking, served: Served) -> None:
    """A table of the engine Executable can be created, but its script is not started."""
    scripts = served.path / "user_scripts"
    scripts.mkdir(exist_ok=True)
    started = served.path / "started"
    script = scripts / "start.sh"
    script.write_text(f"#!/bin/sh\ntouch {started}\n")
    script.chmod(0o700)
    writer.ask("CREATE TABLE t.e (a String) ENGINE = Executable('start.sh', 'CSV')")
    writer.ask("SELECT * FROM t.e")

    assert writer.body == ""
    assert not started.exists()
    writer.ask("DROP TABLE t.e")


def test_attempts_leave_nothing_behind(writer: Asking) -> None:
    """No table, row or function of the tests above exists."""
    assert writer.names("SELECT name FROM system.tables WHERE database = 't'") == ["k"]
    assert set(writer.names("SELECT a FROM t.k")) <= {"x"}
    assert writer.names("SELECT name FROM system.functions WHERE origin != 'System'") == []


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
