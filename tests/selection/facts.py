"""Sum up what the plugin `tests.selection.costs` recorded: `python -m tests.selection.facts var/costs.jsonl`.

This writes `tests/costs.json`, which orders runs and guides `make changed`, and the table in docs/testing.md.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from tests.selection.costs import Cost
from tests.support import CHECKOUT

FACTS = CHECKOUT / "tests" / "costs.json"
PAGE = CHECKOUT / "docs" / "testing.md"
TABLE = re.compile(r"(?<=<!-- costs -->\n\n).*?(?=<!-- end of costs -->)", re.DOTALL)
HEAD = ["| suite | tests | worker-seconds | processor seconds | starts |", "| :-- | --: | --: | --: | --: |"]


class Sum(msgspec.Struct):
    """The total cost of several tests."""

    tests: int = 0
    wall_s: float = 0
    processor_s: float = 0
    starts: int = 0

    def add(self, cost: Cost) -> None:
        """Count one more test."""
        self.tests += 1
        self.wall_s += cost.wall_s
        self.processor_s += cost.processor_s
        self.starts += cost.starts


UNMEASURED, UNMEASURED_PARTS = Sum(1, 5, 5), Sum(1, 60, 60)  # guesses for a new file


def read(file: Path) -> list[Cost]:
    """Return what was recorded."""
    return [msgspec.json.decode(line, type=Cost) for line in file.read_bytes().splitlines()]


def sums(costs: Iterable[Cost], key: Callable[[Cost], str]) -> dict[str, Sum]:
    """Return the sums of groups of tests, by name."""
    found: dict[str, Sum] = {}
    for cost in costs:
        found.setdefault(key(cost), Sum()).add(cost)
    return dict(sorted(found.items()))


def file_of(cost: Cost) -> str:
    """Return the file of a test."""
    return cost.test.partition("::")[0]


def in_parts(file: str) -> str:
    """Return the name under which the tests of a file that belong to parts are summed up."""
    return f"{file} in parts"


def suite_of(cost: Cost) -> str:
    """Return the row of the table that has the test."""
    return f"part `{cost.part}`" if cost.part else f"`{'/'.join(cost.test.split('/')[:2])}/`"


def known() -> dict[str, Sum]:
    """Return the last measured cost of each file in `make test`, and of its tests in parts.

    A file without tests in `make test` counts as its parts.
    """
    return msgspec.json.decode(FACTS.read_bytes(), type=dict[str, Sum]) if FACTS.exists() else {}


def table(costs: list[Cost]) -> str:
    """Return the table of the suites; those of `make test` come first."""
    whole = sums(_of_make_test(costs), lambda _: "`make test`")
    return "\n".join([*HEAD, *_lines(sums(costs, suite_of) | whole)])


def facts(costs: list[Cost]) -> str:
    """Return the content of `tests/costs.json`, a line for each file."""
    parts = sums((cost for cost in costs if cost.part), lambda cost: in_parts(file_of(cost)))
    files = dict(sorted((parts | sums(costs, file_of) | sums(_of_make_test(costs), file_of)).items()))
    lines = (f"{json.dumps(name)}: {json.dumps(_rounded(row))}" for name, row in files.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _of_make_test(costs: list[Cost]) -> list[Cost]:
    return [cost for cost in costs if cost.part is None]


def _rounded(row: Sum) -> dict[str, float]:
    return {name: round(value, 1) for name, value in msgspec.structs.asdict(row).items()}


def _lines(rows: dict[str, Sum]) -> Iterator[str]:
    for name, row in rows.items():
        yield f"| {name} | {row.tests:,} | {row.wall_s:,.0f} | {row.processor_s:,.0f} | {row.starts:,} |"


def main() -> None:
    """Write the facts and the table."""
    costs = read(Path(sys.argv[1]))
    FACTS.write_text(facts(costs))
    PAGE.write_text(TABLE.sub(lambda _: f"{table(costs)}\n\n", PAGE.read_text()))


if __name__ == "__main__":
    main()
