"""Commands print errors in one form: ``Error: `` and a sentence that says what happened and what to do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import CHECKOUT

FILES = sorted([*(CHECKOUT / "cli").rglob("*.py"), *(CHECKOUT / "client" / "crewkit_hook").rglob("*.py")])
# The calls and exceptions whose text follows the prefix.
PREFIXED = {
    "end",
    "ClickException",
    "UsageError",
    "BadParameter",
    "Failed",
    "Broken",
    "NotConnected",
    "NotSent",
    "Busy",
}
OTHER_STYLE = re.compile(r"(error|refus|fatal|crewkit-\w+:)", re.IGNORECASE)
# The files that write to standard error: two add the prefix, the others show progress.
WRITERS = {"cli/exits.py", "client/crewkit_hook/main.py", "cli/jobs.py", "cli/log.py", "cli/progress.py"}


def calls(file: Path) -> Iterator[ast.Call]:
    """Yield every call in a file."""
    yield from (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    """Return the last part of the called name."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def start_of(text: ast.expr) -> str:
    """Return how a text begins, as far as the source says."""
    if isinstance(text, ast.JoinedStr):
        return start_of(text.values[0])
    return str(text.value) if isinstance(text, ast.Constant) else ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_messages_leave_the_prefix_to_one_place(file: Path) -> None:
    """No message has a prefix of its own, such as `refused:`, after `Error: `."""
    starts = [start_of(call.args[0]) for call in calls(file) if name_of(call) in PREFIXED and call.args]

    assert [start for start in starts if OTHER_STYLE.match(start)] == []


def test_few_files_write_to_standard_error() -> None:
    """All others raise an exception or call `end`."""
    writes = re.compile(r"err=True|\bsys\.stderr\b|stderr=True")

    assert {str(file.relative_to(CHECKOUT)) for file in FILES if writes.search(file.read_text())} == WRITERS
