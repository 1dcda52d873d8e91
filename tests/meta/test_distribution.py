"""The distribution of tests over parallel workers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.selection import units
from tests.selection.facts import Sum, in_parts
from tests.selection.units import ON_THEIR_OWN, put_longest_first, unit_of
from tests.support import CHECKOUT

API = "tests/contract/test_api_health.py::test_it"
MODEL = "tests/properties/test_model.py::test_each_mistake_is_caught"


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        (f"{API}[up]", "up"),
        (f"{API}[GET-stack]", "stack"),
        (f"{API}[up-docs/operations.md-Check and repair]", "up"),
        (f"{API}[setup]", "tests/contract/test_api_health.py"),
        (API, "tests/contract/test_api_health.py"),
        ("tests/faults/test_clients.py::test_it[up]", "up"),
        ("tests/faults/test_stack.py::test_it[up]", "tests/faults/test_stack.py"),  # starts its own
        ("tests/faults/test_switch.py::test_it[up]", "generations of up"),
        (f"{MODEL}[retry that folds again]", f"{MODEL}[retry that folds again]"),
        ("dashboard/tests/test_team.py::test_it[5]", "dashboard/tests/"),  # share an installation and a browser
    ],
)
def test_one_worker_runs_all_tests_on_an_installation_and_otherwise_whole_files(nodeid: str, unit: str) -> None:
    """Each installation starts once, and a file's fixtures are set up once; a long test is its own unit."""
    assert unit_of(nodeid) == unit


@pytest.mark.parametrize("start", ON_THEIR_OWN)
def test_the_long_tests_have_these_names(start: str) -> None:
    """A renamed test would silently run together with its whole file again."""
    file, _, name = start.partition("::")
    assert f"def {name}" in Path(CHECKOUT, file).read_text()


def test_a_file_runs_earlier_if_its_longer_tests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that was never measured is assumed to be long."""
    costs = {name: Sum(wall_s=wall_s) for name, wall_s in (("a.py", 5), (in_parts("a.py"), 90), ("b.py", 70))}
    monkeypatch.setattr(units, "known", lambda: costs)
    short, long, new = (
        as_item(f"{file}::test", part) for file, part in (("b.py", None), ("a.py", "kills"), ("c.py", "floor"))
    )
    quick = as_item("a.py::quick")

    items = [quick, new, short]
    put_longest_first(items)
    assert items == [short, new, quick]
    items = [quick, new, short, long]
    put_longest_first(items)
    assert items == [quick, long, short, new]


def as_item(nodeid: str, part: str | None = None) -> Any:
    """Return a stand-in for a test."""
    marker = SimpleNamespace(args=(part,)) if part else None
    return SimpleNamespace(nodeid=nodeid, path=Path(nodeid.partition("::")[0]), get_closest_marker=lambda _name: marker)


def test_the_longest_units_run_first_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests about generations rely on the order of their files."""
    costs = {"tests/faults/test_counting_rules.py": Sum(wall_s=1), "tests/faults/test_replay.py": Sum(wall_s=9)}
    monkeypatch.setattr(units, "known", lambda: costs)
    names = [
        "unit/test_new.py::test_it",
        "faults/test_counting_rules.py::test_it[up]",
        "faults/test_replay.py::test_it[up]",
    ]
    items = [as_item(f"tests/{name}") for name in names]

    put_longest_first(items)

    assert [item.nodeid for item in items] == [f"tests/{name}" for name in (*names[1:], names[0])]
