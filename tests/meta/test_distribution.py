"""The distribution of tests over parallel workers."""

from pathlib import Path

import pytest

from tests.conftest import ON_THEIR_OWN, ByInstallationOrFile
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
        ("tests/browser/test_team.py::test_it[5]", "tests/browser/"),  # share an installation and a browser
    ],
)
def test_one_worker_runs_all_tests_on_an_installation_and_otherwise_whole_files(nodeid: str, unit: str) -> None:
    """Each installation starts once, and a file's fixtures are set up once; a long test is a unit itself."""
    assert ByInstallationOrFile._split_scope(None, nodeid) == unit  # type: ignore[arg-type]  # it needs no scheduler


@pytest.mark.parametrize("start", ON_THEIR_OWN)
def test_the_long_tests_have_these_names(start: str) -> None:
    """One that was renamed would run with its whole file again, and nobody would notice."""
    file, _, name = start.partition("::")
    assert f"def {name}" in Path(CHECKOUT, file).read_text()
