"""Which properties run in which profile, and with how many examples."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.selection.parts import ALL, MODEL, NO, PROPERTIES, runs, with_longer_ones
from tests.support import examples as module
from tests.support.examples import examples


def item(path: Path, part: str | None = None, params: str = "", **options: bool) -> Any:
    """Return a stand-in for a test in this file, with or without a part's marker."""
    marker = SimpleNamespace(args=(part,), kwargs=options) if part else None
    return SimpleNamespace(path=path, nodeid=f"{path}::test{params}", get_closest_marker=lambda _name: marker)


@pytest.mark.parametrize(("profile", "of_8", "of_200"), [("few", 1, 20), ("usual", 8, 200), ("many", 40, 2_000)])
def test_the_profile_decides_how_many_examples_are_tried(
    profile: str, of_8: int, of_200: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is at least one; ``many`` is for properties whose number doesn't depend on the profile."""
    monkeypatch.setattr(module, "PROFILE", profile)
    monkeypatch.setattr(module, "ARE_NEW", profile == "many")

    assert (examples(8), examples(200, many=2_000)) == (of_8, of_200)


def test_properties_run_in_every_change_and_again_in_the_part_of_the_model() -> None:
    """A search for mutants among them runs only in its own part."""
    a_property, search, other = item(PROPERTIES / "a.py"), item(PROPERTIES / "b.py", "mutants"), item(Path("c.py"))

    assert [runs(a_property, wanted) for wanted in (NO, MODEL, "mutants", ALL)] == [True, True, False, True]
    assert [runs(search, wanted) for wanted in (NO, MODEL, "mutants", ALL)] == [False, False, True, True]
    assert [runs(other, wanted) for wanted in (NO, MODEL, "mutants", ALL)] == [True, False, False, True]


def test_a_longer_test_that_includes_a_shorter_one_runs_instead_of_it() -> None:
    """A run without its part has the shorter one, and a run of everything both."""
    short, long = item(Path("a.py"), params="[few]"), item(Path("a.py"), "kills", "[many]", instead=True)
    beside = item(Path("b.py"), "kills", "[others]")

    found = {wanted: with_longer_ones([short, long, beside], wanted) for wanted in (NO, f"{NO},kills", ALL)}
    assert found == {NO: set(), f"{NO},kills": {"a.py::test"}, ALL: set()}
