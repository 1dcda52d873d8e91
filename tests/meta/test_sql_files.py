"""Each question of the read side has one SQL file, and both use the same names."""

import re
from collections.abc import Callable
from typing import Any, get_type_hints
from uuid import UUID

import msgspec
import pytest

from store.known_tables import known_tables
from store.migrate import migrations
from store.reading.question import Question
from store.reading.reader import FORMATS
from store.reading.statements import statement, statement_without
from tests.support import CHECKOUT
from tests.support.questions import included_files, questions, sql_files
from tests.support.rigs.query_store import QueryStore

pytest_plugins = ["tests.support.rigs.query_fixtures"]

QUESTIONS = questions()
FILES = sql_files()
_OF_AN_ORG = re.compile(r"\b(FROM|JOIN)\s+(facts|sessions|tasks|rollups|amounts|compactions|analyses)\b")
OF_ALL_ORGS = {"generations.fact_count", "audit.clients", "audit.unknown_events"}  # for operators
# One org, or for operators: a range of orgs, or the sessions of some receipts.
_BY_ORG = re.compile(r"org_id = \{org_id:|org_id >= \{first_org:String\}|\(org_id, session_id\) IN\n")
_PLACEHOLDER = re.compile(r"\{(\w+):([^}]+)\}")


def _names(struct: type[msgspec.Struct]) -> set[str]:
    return set(struct.__struct_fields__)


def _as_little_as_possible(name: str) -> str:
    return statement_without(name, frozenset(name for name, _kind in _PLACEHOLDER.findall(statement(name))))


def test_no_question_takes_all_columns_of_a_table() -> None:
    """If a question combines two tables, a newer version may add columns to one of them."""
    tables = known_tables(migration.text for kind in ("control", "generation") for migration in migrations(kind))
    files = [*FILES.values(), *(CHECKOUT / "processors").rglob("*.sql")]
    stars = {
        (file.name, table)
        for file in files
        for table in re.findall(r"(?:SELECT|,)\s+\*[^()]*?\sFROM\s+(\w+)", file.read_text())
    }

    assert len(files) > 40
    assert {(file, table) for file, table in stars if table in tables} == set()


def test_every_file_is_asked_and_every_question_has_its_file() -> None:
    """Every SQL file belongs to a question, and every question has its file."""
    of_the_store = {question.name for question in QUESTIONS if question.name.startswith("store.")} - set(FILES)

    assert {question.name for question in QUESTIONS} - of_the_store == set(FILES)
    assert all(statement(name) for name in of_the_store)


def test_every_included_file_is_included_by_several() -> None:
    """The SQL file is next to its module, so that a reader finds it; the statement that is sent contains its text."""
    for included in included_files():
        users = [name for name in FILES if included.read_text() in statement(name)]

        assert len(users) > 1
        assert {FILES[name].parent for name in users} == {included.parent}
        assert not any(included.read_text() in FILES[name].read_text() for name in users)
    assert not any("{{" in statement(name) for name in FILES)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_placeholders_are_the_fields_of_the_parameters(question: Question[Any, Any]) -> None:
    """A file uses each parameter of its struct, and no others."""
    placeholders = {name for name, _kind in _PLACEHOLDER.findall(statement(question.name))}

    assert placeholders == _names(question.params)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("said", [statement, _as_little_as_possible], ids=["whole", "without what is absent"])
def test_columns_are_the_fields_of_the_row(
    question: Question[Any, Any], said: Callable[[str], str], org_store: QueryStore
) -> None:
    """A file returns each field of its row struct, in order, with all parameters and with as few as possible."""
    client = org_store.client
    is_control = "in the control database" in statement(question.name)
    client.database = org_store.base if is_control else f"{org_store.base}_g1"
    parameters = {
        name: _some_value(name, kind)
        for name, kind in re.findall(r"\{(\w+):((?:[^{}()]|\([^{}]*\))+)\}", statement(question.name))
    }

    described = client.query(f"DESCRIBE ({said(question.name)})", parameters=parameters)

    assert [row[0] for row in described.result_rows] == list(question.row.__struct_fields__)


def test_the_columns_that_are_read_as_bytes_are_the_fields_that_are_bytes() -> None:
    """A client reads columns only by name, so a name can't be bytes in one row and text in another."""
    fields = [(name, kind) for question in QUESTIONS for name, kind in get_type_hints(question.row).items()]

    assert {name for name, kind in fields if kind is bytes} <= set(FORMATS["column_formats"])
    assert {kind for name, kind in fields if name in FORMATS["column_formats"]} == {bytes}


@pytest.mark.parametrize("name", FILES)
def test_every_file_begins_with_its_question(name: str) -> None:
    """The header states the question, the table and the key; a query about an org filters by its org."""
    text = statement(name)

    assert text.startswith("-- ")
    assert "?" in text.split("\nWITH")[0].split("\nSELECT")[0]
    assert re.search(r"^-- Tables?: .*\(.*\)", text, re.MULTILINE)
    assert name in OF_ALL_ORGS or not _OF_AN_ORG.search(text) or _BY_ORG.search(text)


def test_no_answer_that_may_be_remembered_depends_on_the_clock() -> None:
    """Dates are parameters, so that they are part of the cache key; only freshness reads the store's clock."""
    by_clock = re.compile(r"\b(now|now64|today|yesterday|rand\w*|generateUUID\w*)\s*\(", re.IGNORECASE)

    assert {name for name in FILES if name.startswith("query_api.") and by_clock.search(statement(name))} == {
        "query_api.progress"
    }


def _some_value(name: str, kind: str) -> Any:
    if kind.startswith("Nullable"):
        return None
    if kind.startswith("Array"):
        return [0] if name in ("starts", "changes", "offsets") else []
    if kind == "Identifier":
        return {"table": "tasks", "start": "started_at"}.get(name, "session_id")
    return {"UUID": UUID(int=0)}.get(kind, "2026-01-01 00:00:00" if kind.startswith("DateTime") else 1)
