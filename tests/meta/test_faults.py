"""Every row of the fault matrix has a test, and no skipped test is overlooked."""

import re
from collections import Counter
from pathlib import Path

from tests.faults.matrix import ROWS

TESTS = Path(__file__).parents[1]
SOURCES = {file.relative_to(TESTS): file.read_text() for file in sorted(TESTS.rglob("test_*.py"))}


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    """The marks are compared, so deleting a test also removes the proof of its row."""
    shown = Counter(int(row) for text in SOURCES.values() for row in re.findall(r"mark\.fault\(row=(\d+)\)", text))

    assert set(ROWS) - set(shown) == set(), "these rows have no test"
    assert set(shown) - set(ROWS) == set(), "these rows are not in the matrix"
    assert list(ROWS) == list(range(1, 31))


def test_no_test_is_left_out_for_good() -> None:
    """Skips depend on the machine, and say what it lacks."""
    found = {file: text.count("mark.skip(") for file, text in SOURCES.items() if file != Path("meta/test_faults.py")}

    assert {file: count for file, count in found.items() if count} == {}
