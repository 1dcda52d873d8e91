"""Which tests a change runs: those that import the changed files, the nearest first, and the parts of its folders."""

import datetime
import json
from pathlib import Path

import grimp
import pytest

from tests.selection.changed import distances, in_time, module_of, modules_that_name
from tests.selection.costs import Cost
from tests.selection.facts import Sum, facts, sums, table
from tests.selection.parts import ALL, NO, PARTS, is_wanted
from tests.selection.parts_of_change import in_turn, make, succeeds, touched


def test_a_module_is_as_far_as_the_imports_between() -> None:
    """`b` imports `a`, `c` imports `b`; `other` imports neither."""
    graph = grimp.ImportGraph()
    for name in ("a", "b", "c", "other"):
        graph.add_module(name)
    graph.add_import(importer="b", imported="a")
    graph.add_import(importer="c", imported="b")

    assert distances(graph, ["a"]) == {"a": 0, "b": 1, "c": 2}


def test_the_nearest_run_and_of_these_the_cheapest_as_long_as_there_is_time() -> None:
    """A test that was never measured counts as 5 s."""
    costs = {"near": Sum(processor_s=4), "cheap": Sum(processor_s=1), "far": Sum(processor_s=1)}

    assert list(in_time({"far": 2, "near": 1, "cheap": 1, "new": 1}, costs, 10)) == ["cheap", "near", "new"]


def test_a_file_counts_as_its_module_or_as_those_that_name_it() -> None:
    """SQL, YAML and JavaScript are read by modules that name them."""
    assert module_of("store/migrate.py") == "store.migrate"
    assert module_of("client/crewkit_hook/__init__.py") == "crewkit_hook"
    assert module_of("query_api/list.sql") is None
    sources = {"query_api.list": 'read_sql("list.sql")', "query_api.other": "# like list.sql"}
    assert modules_that_name("query_api/list.sql", sources) == ["query_api.list"]


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        (NO, {None}),
        (ALL, {None, "mutants", "model"}),
        ("model", {"model"}),
        ("mutants,model", {"mutants", "model"}),
        (f"{NO},model", {None, "model"}),
    ],
)
def test_a_part_runs_when_it_is_wanted(wanted: str, runs: set[str | None]) -> None:
    """`make test` runs none, `make test-all` all, `PART=model` one; CI runs none besides those of the change."""
    assert {part for part in (None, "mutants", "model") if is_wanted(part, wanted)} == runs


def test_the_longest_folder_decides_which_parts_a_change_touches() -> None:
    """A change in the log touches more parts than one in the rest of `ingest`."""
    assert touched(["ingest/app.py", "docs/api.md"]) == {"fuzz"}
    assert touched(["ingest/log/kafka/log.py"]) == {"brokers"}


def test_each_part_has_its_day_of_the_week() -> None:
    """No day has more than two."""
    turns = [in_turn(datetime.date(2026, 11, 30) + datetime.timedelta(days=n)) for n in range(7)]

    assert sorted(part for turn in turns for part in turn) == sorted(PARTS)
    assert {len(turn) for turn in turns} <= {1, 2}


def test_a_target_passes_fails_or_is_interrupted(tmp_path: Path) -> None:
    """An interrupt reaches what make started, which can still say what failed."""
    said = tmp_path / "said"
    waits = f"waits: ; trap 'touch {said}; exit 1' INT; while :; do sleep 1; done"

    assert make(["--eval", "passes: ; true", "passes"], None)
    assert not make(["--eval", "fails: ; false", "fails"], None)
    assert not make(["--eval", waits, "waits"], 0.5)
    assert said.exists()


def test_cheap_tests_add_up() -> None:
    """Nothing is rounded before the sum."""
    costs = [Cost(f"tests/unit/test_a.py::test_{n}", None, 0.04, 0.04, 0) for n in range(100)]

    assert table(costs).splitlines()[-1] == "| `make test` | 100 | 4 | 4 | 0 |"
    assert json.loads(facts(costs)) == {
        "tests/unit/test_a.py": {"tests": 100, "wall_s": 4, "processor_s": 4, "starts": 0}
    }


def test_costs_are_summed_by_file_and_by_suite() -> None:
    """Parts have their own rows, and don't count for `make test`."""
    costs = [
        Cost("tests/unit/test_a.py::test_1", None, 1.0, 0.5, 1),
        Cost("tests/unit/test_a.py::test_2", None, 2.0, 0.5, 2),
        Cost("tests/properties/test_b.py::test_3", "model", 4.0, 4.0, 0),
    ]

    assert sums(costs, lambda cost: cost.test.partition("::")[0])["tests/unit/test_a.py"] == Sum(2, 3.0, 1.0, 3)
    assert table(costs).splitlines()[2:] == [
        "| `tests/unit/` | 2 | 3 | 1 | 3 |",
        "| part `model` | 1 | 4 | 4 | 0 |",
        "| `make test` | 2 | 3 | 1 | 3 |",
    ]


def test_a_part_can_run_where_its_commands_succeed() -> None:
    """A program that is missing, or that has no server to talk to, means that it can't."""
    assert succeeds("true")
    assert not succeeds("false")
    assert not succeeds("no-such-program --version")


def test_a_file_of_a_part_alone_counts_with_its_part() -> None:
    """Else its tests, which are long, would begin last."""
    alone, mixed, part = "tests/faults/test_a.py::test", "tests/faults/test_b.py::test", "tests/faults/test_b.py::long"
    costs = [Cost(alone, "alerts", 300, 9, 1), Cost(mixed, None, 2, 1, 0), Cost(part, "model", 90, 80, 0)]

    assert {file: row["wall_s"] for file, row in json.loads(facts(costs)).items()} == {
        "tests/faults/test_a.py": 300,
        "tests/faults/test_a.py in parts": 300,
        "tests/faults/test_b.py": 2,
        "tests/faults/test_b.py in parts": 90,
    }
