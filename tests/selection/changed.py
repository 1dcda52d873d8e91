"""Print the tests that a change reaches, the nearest first; `make changed` runs them.

The distance between a test and a changed module is the number of imports between them. A file that isn't a module
counts as the modules that name it. If time runs out, the farthest tests are left to `make test`.
"""

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import grimp

from tests.selection.facts import UNMEASURED, Sum, known
from tests.support import CHECKOUT

PACKAGES = [*tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"], "tests"]
BY_FOLDER = {  # tests that read files in these folders without naming one
    "client": ["client/tests"],
    "dashboard": ["dashboard/tests"],
    "deploy": ["tests/unit"],
    "docs": ["tests/contract/test_readme.py"],
    "README.md": ["tests/contract/test_readme.py"],
}
ALWAYS = ["tests/meta"]


def changed_files(since: str) -> list[str]:
    """Return the files that differ from the commit ``since``, including uncommitted ones."""
    differing = _git("diff", "--name-only", since)
    return sorted({*differing, *_git("ls-files", "--others", "--exclude-standard")})


def _git(*arguments: str) -> list[str]:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def module_of(file: str) -> str | None:
    """Return the name of the module in a file, or None if it has none."""
    path = Path(file.removeprefix("client/"))
    if path.suffix != ".py":
        return None
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def file_of(module: str) -> str:
    """Return the file of a test module."""
    return module.replace(".", "/") + ".py"


def modules_that_name(file: str, sources: dict[str, str]) -> list[str]:
    """Return the modules that have a string ending in the file's name."""
    return [module for module, source in sources.items() if f'{Path(file).name}"' in source]


def distances(graph: grimp.ImportGraph, changed: Iterable[str]) -> dict[str, int]:
    """Return each module that depends on a changed one, with the number of imports between them."""
    found: dict[str, int] = {}
    edge, steps = {module for module in changed if module in graph.modules}, 0
    while edge:
        found |= dict.fromkeys(edge, steps)
        edge = set(chain.from_iterable(map(graph.find_modules_that_directly_import, edge))) - found.keys()
        steps += 1
    return found


def in_time(tests: dict[str, int], costs: dict[str, Sum], processor_s: float) -> Iterator[str]:
    """Yield the tests that fit into the time: the nearest first, and the cheapest first among equally near ones."""

    def cost(test: str) -> float:
        return costs.get(test, UNMEASURED).processor_s

    for test in sorted(tests, key=lambda test: (tests[test], cost(test))):
        processor_s -= cost(test)
        if processor_s < 0:
            return
        yield test


def reached(files: list[str]) -> dict[str, int]:
    """Return the test files that the changed files reach, with their distances."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    sources = {module: _source(module) for module in graph.modules}
    changed = {module for file in files if (module := module_of(file))}
    for file in files:
        changed.update(modules_that_name(file, sources) if module_of(file) is None else [])
    return {
        file_of(module): steps
        for module, steps in distances(graph, changed).items()
        if module.rpartition(".")[2].startswith("test_") and module.startswith(("tests.", "dashboard.tests."))
    }


def _source(module: str) -> str:
    path = CHECKOUT / ("client" if module.startswith("crewkit_hook") else "") / module.replace(".", "/")
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    return file.read_text() if file.exists() else ""


def chosen(files: list[str], processor_s: float) -> list[str]:
    """Return the tests to run for the changed files, and say how many of the tests within reach fit into the time."""
    tests = reached(files)
    near = list(in_time(tests, known(), processor_s))
    print(f"{len(files)} changed files reach {len(tests)} files of tests; {len(near)} run now.", file=sys.stderr)
    by_folder = chain.from_iterable(BY_FOLDER[folder] for folder in BY_FOLDER if _has(files, folder))
    return list(dict.fromkeys([*ALWAYS, *by_folder, *near]))


def _has(files: list[str], folder: str) -> bool:
    return any(file.startswith(folder) for file in files)


def main() -> None:
    """Print the tests."""
    parser = argparse.ArgumentParser(prog="python -m tests.selection.changed", description=__doc__)
    parser.add_argument("--since", default="HEAD", help="compare with this commit; default HEAD: what isn't committed")
    parser.add_argument("--minutes", type=float, default=8, help="of two cores; default 8")
    asked = parser.parse_args()
    if files := changed_files(asked.since):
        print("\n".join(chosen(files, asked.minutes * 60 * 2)))
    else:
        print(f"Nothing differs from {asked.since}: choose another commit with --since.", file=sys.stderr)


if __name__ == "__main__":
    main()
