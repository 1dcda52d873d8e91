"""The parts of the tests that `make test` leaves out: longer proofs of things that rarely change.

A test belongs to a part by its marker, `@pytest.mark.part("mutants")`, or by its folder. `make test-all PART=mutants`
runs one part. Property tests run in `make test`, and again in the part `model`, with more examples.

A parameter with `pytest.mark.part("volume", instead=True)` includes all that the test shows without a part. A run that
chooses both runs only this one; a run of all parts runs both.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

ALL, NO, MODEL = "all", "none", "model"  # other values of `--part`, and the part of the properties
PROPERTIES = Path(__file__).parents[1] / "properties"
OF_FOLDERS = {"agents": "agents", "images": "images"}
PARTS = {  # by name: what each part shows
    "agents": "unmodified coding agents, with the client that connects them",
    "alerts": "the shipped alerts in a real Prometheus, in real time",
    "brokers": "three brokers, replicated tables, and servers with their own access control",
    "browser": "the second half of the dashboard's tests",
    "floor": "the oldest supported engine",
    "fuzz": "the fuzzer for a minute",
    "images": "the images, where Docker and debootstrap are",
    "kills": "many kills of one kind, where the other tests have a few",
    MODEL: "the model check and the properties on the engine, with many examples and a new seed each day",
    "mutants": "that the model check and the checker find each planted mistake",
    "volume": "the same promises over much more data",
}


def part_of(item: pytest.Item) -> str | None:
    """Return the part that the test belongs to; raises `KeyError` for a part that doesn't exist."""
    marker = item.get_closest_marker("part")
    if marker is None:
        return OF_FOLDERS.get(item.path.parent.name)
    (name,) = marker.args
    if name not in PARTS:
        raise KeyError(f"{item.nodeid}: no part is called {name!r}; tests/selection/parts.py has the list")
    return str(name)


def runs(item: pytest.Item, wanted: str) -> bool:
    """Decide whether a test runs when `--part` is ``wanted``."""
    part = part_of(item)
    is_property = part is None and item.path.is_relative_to(PROPERTIES)
    return is_wanted(part, wanted) or (is_property and is_wanted(MODEL, wanted))


def with_longer_ones(items: Iterable[pytest.Item], wanted: str) -> set[str]:
    """Return the functions whose tests without a part are left out, because a longer one runs instead."""
    if wanted == ALL:
        return set()
    markers = ((item, item.get_closest_marker("part")) for item in items)
    return {
        function_of(item) for item, marker in markers if marker and marker.kwargs.get("instead") and runs(item, wanted)
    }


def function_of(item: pytest.Item) -> str:
    """Return the node id of the test's function: that of the test without its parameters."""
    return item.nodeid.partition("[")[0]


def is_wanted(part: str | None, wanted: str) -> bool:
    """Decide whether a test of this part runs when `--part` is ``wanted``."""
    return wanted == ALL or (part or NO) in wanted.split(",")
