"""The units of work of parallel workers: all tests that share an installation run in the same worker."""

import re
from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.selection.facts import UNMEASURED, UNMEASURED_PARTS, Sum, in_parts, known
from tests.selection.parts import part_of

ON_INSTALLATION = re.compile(
    r"tests/(?:contract/|faults/test_(?:clients|corrupted_tables|other_accounts)\.py).*"
    r"\[(?:.*-)?(?P<kind>up|stack)(?:-.*)?\]"
)
ON_GENERATIONS = re.compile(  # the fixtures of tests/faults/conftest.py
    r"tests/faults/test_(?:counting_rules|moved_log|past_price|replay|switch)\.py::.*\[(?:.*-)?(?P<kind>up|stack)(?:-.*)?\]"
)
ON_THEIR_OWN = (  # tests that take minutes and share nothing
    "tests/properties/test_model.py::",
    "tests/faults/test_workers.py::test_two_workers_",
)
BROWSER = "dashboard/tests/"  # its tests share an installation with much data, and a Chromium


class ByInstallationOrFile(LoadScopeScheduling):
    """A scheduler whose units of work are shared installations, single long tests, and otherwise files.

    The groups of `--dist loadgroup` would do the same, but xdist 3.8 ignores them with pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """Return the name of the test's unit of work."""
    if nodeid.startswith(ON_THEIR_OWN):
        return nodeid
    if nodeid.startswith(BROWSER):
        return BROWSER
    if on_installation := ON_INSTALLATION.fullmatch(nodeid):
        return on_installation["kind"]
    if on_generations := ON_GENERATIONS.fullmatch(nodeid):
        return f"generations of {on_generations['kind']}"
    return nodeid.partition("::")[0]


def put_longest_first(items: list[pytest.Item]) -> None:
    """Sort the units by cost, so that no worker is left waiting at the end; the order within a unit stays."""
    costs, took = known(), Counter[str]()
    for unit, file, part in sorted({(unit_of(item.nodeid), file_of(item), bool(part_of(item))) for item in items}):
        took[unit] += _cost(costs, file, part).wall_s
    items.sort(key=lambda item: took[unit_of(item.nodeid)], reverse=True)


def file_of(item: pytest.Item) -> str:
    """Return the file of a test."""
    return item.nodeid.partition("::")[0]


def _cost(costs: dict[str, Sum], file: str, part: bool) -> Sum:
    """Return the cost of a file's tests in parts, or of its other ones."""
    if not part:
        return costs.get(file, UNMEASURED)
    return costs.get(in_parts(file)) or costs.get(file, UNMEASURED_PARTS)
