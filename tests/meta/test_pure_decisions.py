"""Decisions use no HTTP, no log and no clock, although a command's file also contains its route."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INTAKE = ROOT / "ingest" / "intake"
COMMANDS = [path for path in sorted(INTAKE.rglob("*.py")) if "\ndef decide(" in path.read_text()]
PACKAGES = {"agents", "prices", "schemas", "msgspec"} | sys.stdlib_module_names - {
    "asyncio",
    "time",
    "os",
    "random",
    "uuid",
}
CONTRACT = "The pure centre imports the contract alone"


def pure_modules() -> frozenset[str]:
    """Return the modules of `ingest` that import-linter keeps free of HTTP and of the log."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (contract for contract in linter["contracts"] if contract["name"] == CONTRACT)
    return frozenset(name for name in contract["source_modules"] if name.startswith("ingest."))


def imported(tree: ast.Module) -> dict[str, str]:
    """Return each imported name with its module."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {name.asname or name.name: node.module or "" for name in node.names}
        elif isinstance(node, ast.Import):
            names |= {(name.asname or name.name).partition(".")[0]: name.name for name in node.names}
    return names


def impure_uses(source: str) -> Iterator[str]:
    """Return the impure names that a module's functions and classes use, except in `async` functions."""
    tree = ast.parse(source)
    names = imported(tree)
    pure = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for used in (used for node in pure for used in ast.walk(node) if isinstance(used, ast.Name)):
        module = names.get(used.id, "schemas")
        types_only = used.id == "UUID"
        if not types_only and module not in pure_modules() and module.partition(".")[0] not in PACKAGES:
            yield f"{used.id} of {module}, line {used.lineno}"


def test_every_command_is_looked_at() -> None:
    """These are four session commands, the redrive and the erasure; that about events is in a pure module."""
    assert {path.stem for path in COMMANDS} == {"create", "change", "end", "compact", "redrive", "erasures"}
    assert "ingest.intake.events.identify" in pure_modules()


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_what_decides_and_responds_is_pure(path: Path) -> None:
    """This holds for every function of a command's file that is not `async`."""
    assert list(impure_uses(path.read_text())) == []


@pytest.mark.parametrize(
    "line",
    ["not_found()", "time.time()", "uuid4()", "structlog.get_logger()", "request: Request", "write_record"],
)
def test_an_impure_use_is_found(line: str) -> None:
    """Otherwise the test above would show nothing."""
    source = (INTAKE / "redrive.py").read_text().replace("import write_record", "")
    imports = "import time\nfrom uuid import uuid4\nfrom litestar import Request\n"
    imports += "from ingest.intake.steps import write_record\n"

    assert list(impure_uses(f"{source}\n{imports}\ndef wrong() -> None:\n    {line}\n"))
