"""Every row of the fault matrix has a test that `make test` runs, and no skipped test is overlooked."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.faults.matrix import ROWS

TESTS = Path(__file__).parents[1]
SOURCES = {file.relative_to(TESTS): file.read_text() for file in sorted(TESTS.rglob("test_*.py"))}
PART = "pytest.mark.part("


class WithoutParts(ast.NodeTransformer):
    """Removes the tests and parameters that belong to a part."""

    def visit(self, node: ast.AST) -> ast.AST | None:
        """Leave out a function with the decorator, and replace a `pytest.param` with the mark."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_in_part = any(ast.unparse(decorator).startswith(PART) for decorator in node.decorator_list)
            return None if is_in_part else self.generic_visit(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.param" and PART in ast.unparse(node):
            return ast.Constant(None)
        return self.generic_visit(node)


def without_parts(text: str) -> str:
    """Return the part of a module's source that `make test` runs."""
    if "mark.part(" not in text:
        return text
    tree = ast.parse(text)
    of_module = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    if any(line.startswith("pytestmark") and PART in line for line in of_module):
        return ""
    return ast.unparse(WithoutParts().generic_visit(tree))


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    """Since marks are compared, deleting a test or moving it to a part also removes the proof of its row."""
    texts = map(without_parts, SOURCES.values())
    shown = Counter(int(row) for text in texts for row in re.findall(r"mark\.fault\(row=(\d+)\)", text))

    assert set(ROWS) - set(shown) == set(), "these rows have no test outside the parts"
    assert set(shown) - set(ROWS) == set(), "these rows are not in the matrix"
    assert list(ROWS) == list(range(1, 35))


def test_no_test_is_left_out_for_good() -> None:
    """A skip depends on the machine, and says what it lacks."""
    found = {file: text.count("mark.skip(") for file, text in SOURCES.items() if file != Path("meta/test_faults.py")}

    assert {file: count for file, count in found.items() if count} == {}
