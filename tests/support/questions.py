"""Every question that the product asks the store when it reads, and every SQL file of one."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

from store.reading.question import Question
from tests.support import CHECKOUT

PACKAGES = ("query_api", "audit", "generations", "store.reading")
INCLUDE = ".include.sql"
ADDS = "\nINSERT INTO "  # a statement that is not a question


def sql_files() -> dict[str, Path]:
    """Return the SQL files of questions by their names, such as ``query_api.analytics.summary``."""
    files = [file for file in _all_sql_files() if not file.name.endswith(INCLUDE) and ADDS not in file.read_text()]
    return {".".join(file.relative_to(CHECKOUT).with_suffix("").parts): file for file in files}


def included_files() -> list[Path]:
    """The SQL files that files of questions include."""
    return [file for file in _all_sql_files() if file.name.endswith(INCLUDE)]


def questions() -> list[Question[Any, Any]]:
    """Return the questions of all modules, each once."""
    found = {value.name: value for module in _modules() for value in vars(module).values() if _is_question(value)}
    return [found[name] for name in sorted(found)]


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
