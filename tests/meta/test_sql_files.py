"""Each question of the read side is one SQL file, and both know the same names."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from audit import questions
from query_api import queries
from query_api.queries import Question
from query_api.statements import SQL, statement, statement_without
from store.known_tables import known_tables
from store.migrate import migrations
from tests.support.rigs.query_store import QueryStore

pytest_plugins = ["tests.support.rigs.query_fixtures"]

QUESTIONS: list[Question[Any, Any]] = [
    value for value in (*vars(queries).values(), *vars(questions).values()) if isinstance(value, Question)
]
_OF_AN_ORG = re.compile(r"\b(FROM|JOIN)\s+(events|sessions|tasks|rollup_\w+|compactions|analyses)\b")
_PLACEHOLDER = re.compile(r"\{(\w+):([^}]+)\}")


def _names(struct: type[msgspec.Struct]) -> set[str]:
    return set(struct.__struct_fields__)


def _as_little_as_possible(name: str) -> str:
    return statement_without(name, frozenset(name for name, _kind in _PLACEHOLDER.findall(statement(name))))


def test_no_question_takes_all_columns_of_a_table() -> None:
    """A newer version may add some, to one of two tables that a question lays together first."""
    tables = known_tables(migration.text for kind in ("control", "generation") for migration in migrations(kind))
    files = [*SQL.glob("*.sql"), *(SQL.parents[1] / "processors").rglob("*.sql")]
    stars = {
        (file.name, table)
        for file in files
        for table in re.findall(r"(?:SELECT|,)\s+\*[^()]*?\sFROM\s+(\w+)", file.read_text())
    }

    assert len(files) > 40
    assert {(file, table) for file, table in stars if table in tables} == set()


def test_every_file_is_asked_and_every_question_has_its_file() -> None:
    """No SQL file lies about unused, and no question lacks its file."""
    sources = "".join(path.read_text() for path in SQL.parent.rglob("*.py"))
    files = {path.stem for path in SQL.glob("*.sql")}

    assert {question.name for question in QUESTIONS} <= files
    assert {name for name in files if f'"{name}"' not in sources} == set()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_placeholders_are_the_fields_of_the_parameters(question: Question[Any, Any]) -> None:
    """A file asks for each parameter of its struct, and for no other."""
    placeholders = {name for name, _kind in _PLACEHOLDER.findall(statement(question.name))}

    assert placeholders == _names(question.params)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("said", [statement, _as_little_as_possible], ids=["whole", "without what is absent"])
def test_columns_are_the_fields_of_the_row(
    question: Question[Any, Any], said: Callable[[str], str], org_store: QueryStore
) -> None:
    """A file answers with each field of its row struct, in order, whatever the parameters and however few."""
    client = org_store.client
    client.database = org_store.base if question.name == "live_generation" else f"{org_store.base}_g1"
    parameters = {
        name: _some_value(kind)
        for name, kind in re.findall(r"\{(\w+):((?:[^{}()]|\([^{}]*\))+)\}", statement(question.name))
    }

    described = client.query(f"DESCRIBE ({said(question.name)})", parameters=parameters)

    assert [row[0] for row in described.result_rows] == list(question.row.__struct_fields__)


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_every_file_begins_with_its_question(path: Any) -> None:
    """The header says what is asked, of which table, by which key; and every org's data is asked for by its org."""
    text = path.read_text()

    assert text.startswith("-- ")
    assert "?" in text.split("\nWITH")[0].split("\nSELECT")[0]
    assert re.search(r"^-- Tables?: .*\(.*\)", text, re.MULTILINE)
    assert not _OF_AN_ORG.search(text) or re.search(r"org_id = \{org_id:", text)


def _some_value(kind: str) -> Any:
    if kind.startswith("Nullable"):
        return None
    if kind.startswith("Array"):
        return []
    if kind == "Identifier":
        return "session_id"
    return {"UUID": UUID(int=0)}.get(kind, "2026-01-01 00:00:00" if kind.startswith("DateTime") else 1)
