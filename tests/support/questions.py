"""Every question that the product asks the store when it reads, and every SQL file of one."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

from generations.prove.tables import ALL as TABLES
from store.reading.question import Question
from tests.support import CHECKOUT

PACKAGES = ("query_api", "audit", "generations", "store.reading")
INCLUDE, TEMPLATE = ".include.sql", ".template.sql"
ADDS = "\nINSERT INTO "  # a statement that is not a question


def sql_files() -> dict[str, Path]:
    """Return the SQL files of questions by their names, such as ``query_api.analytics.summary``.

    The two questions about each table of a proof are made from two templates.
    """
    files = [
        file
        for file in _all_sql_files()
        if not file.name.endswith((INCLUDE, TEMPLATE)) and ADDS not in file.read_text()
    ]
    template = CHECKOUT / "generations" / "prove" / f"rows{TEMPLATE}"
    made = {question.name: template for question in _of_a_proof()}
    return {".".join(file.relative_to(CHECKOUT).with_suffix("").parts): file for file in files} | made


def included_files() -> list[Path]:
    """The SQL files that files of questions include."""
    return [file for file in _all_sql_files() if file.name.endswith(INCLUDE)]


def questions() -> list[Question[Any, Any]]:
    """Return the questions of all modules, each once."""
    found = {value.name: value for module in _modules() for value in vars(module).values() if _is_question(value)}
    found |= {question.name: question for question in _of_a_proof()}
    return [found[name] for name in sorted(found)]


def _of_a_proof() -> list[Question[Any, Any]]:
    return [question for table in TABLES for question in (table.sums, table.rows)]


def _all_sql_files() -> list[Path]:
    return [file for package in PACKAGES for file in sorted(_folder(package).rglob("*.sql"))]


def _folder(package: str) -> Path:
    return CHECKOUT.joinpath(*package.split("."))


def _modules() -> list[Any]:
    names = [
        module.name for package in PACKAGES for module in pkgutil.walk_packages([str(_folder(package))], f"{package}.")
    ]
    return [importlib.import_module(name) for name in names]


def _is_question(value: object) -> bool:
    return isinstance(value, Question)
