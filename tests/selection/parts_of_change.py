"""Decide which parts of the tests run for a change: those that it touches, and others in turn.

`python -m tests.selection.parts_of_change --touched` prints the former, for `--part`. Without the option it runs the
rest: touched parts that have their own target in the Makefile, then the parts of the day of the week. The latter don't
decide, since the change doesn't touch them: a failure, or a run longer than `TURN_S`, is printed, and noted with the
date in `var/failed-parts.txt`.
The change is every commit in HEAD since `SINCE`; without it, the commits of the last day before HEAD.
"""

import argparse
import datetime
import os
import subprocess
import sys
from collections.abc import Iterable

from tests.selection.parts import NO, PARTS
from tests.support import CHECKOUT

WITH_TARGETS = {
    "agents": ("clients", ["npm --version"]),
    "images": ("images-test", ["docker info", "docker compose version", "debootstrap --version"]),
}  # the target of make, and commands that succeed where it can run
TURN_S = 15 * 60
NOTED = CHECKOUT / "var" / "failed-parts.txt"
ENGINES = ("brokers", "floor")  # code with SQL: replicated tables, and the oldest engine
FOLDERS: dict[str, list[str]] = {  # the parts that a change in a folder touches; the longest matching name decides
    "": [],
    "agents": ["agents", "fuzz", "model"],
    "audit": ["alerts", *ENGINES, "volume"],
    "client": ["agents", "volume"],
    "client/tests": [],
    "client/tests/agents": ["agents"],
    "dashboard": ["browser"],
    "deploy": ["images"],
    "deploy/prometheus": ["alerts"],
    "devstack": ["brokers"],
    "edge": ["fuzz", "alerts"],
    "generations": ["alerts", *ENGINES, "kills", "volume"],
    "ingest": ["fuzz"],
    "ingest/log": ["brokers"],
    "prices": [*ENGINES, "model"],
    "processors": ["alerts", *ENGINES, "kills", "model", "mutants"],
    "query_api": ["alerts", *ENGINES, "browser"],
    "requirements.lock": ["floor", "images"],
    "runtime": ["alerts", "kills"],
    "schemas": [*ENGINES, "model"],
    "store": [*ENGINES, "model"],
    "tests/fuzz": ["fuzz"],
    "tests/images": ["images"],
    "tests/properties/mutants.py": ["mutants"],
    "tests/support/oracles": ["model", "mutants"],
}


def touched(files: Iterable[str]) -> set[str]:
    """Return the parts that changes of these files touch."""
    return {part for file in files for part in FOLDERS[folder_of(file)]}


def folder_of(file: str) -> str:
    """Return the longest name in the table that is the file or a folder above it."""
    return max((folder for folder in FOLDERS if not folder or f"{file}/".startswith(f"{folder}/")), key=len)


def in_turn(day: datetime.date) -> set[str]:
    """Return the parts of this day, one or two: each part has its day of the week."""
    return set(sorted(PARTS)[day.weekday() :: 7])


def files_of_change() -> list[str]:
    """Return the files that the change touches; none if the history doesn't go back far enough."""
    day_before = datetime.datetime.fromisoformat(_git("log", "-1", "--format=%cI")) - datetime.timedelta(days=1)
    since = os.environ.get("SINCE") or _git("rev-list", "-1", f"--before={day_before.isoformat()}", "HEAD")
    return _git("diff", "--name-only", since, "HEAD").splitlines() if since else []


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run(parts: set[str], within_s: float | None = None) -> bool:
    """Run parts with the seed of the day, and return whether they passed. Skip parts that can't run here."""
    targets = []
    for part in sorted(parts & WITH_TARGETS.keys()):
        target, needs = WITH_TARGETS[part]
        if missing := [command for command in needs if not succeeds(command)]:
            print(f"*** The part {part} can't run here: `{missing[0]}` fails. ***", flush=True)
        else:
            targets.append([target])
    if others := parts - WITH_TARGETS.keys():
        targets.append(["parts", f"PART={','.join(sorted(others))}"])
    passed = [make(target, within_s) for target in targets]
    return all(passed)


def succeeds(command: str) -> bool:
    """Return whether a command is installed and succeeds: Docker may be there without its daemon."""
    try:
        return subprocess.run(command.split(), capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def make(target: list[str], within_s: float | None) -> bool:
    """Run a target; return whether it passed. Interrupt it when its time is over: pytest still prints what failed."""
    limit = [] if within_s is None else ["timeout", "--verbose", "--signal=INT", "--kill-after=60", str(within_s)]
    return subprocess.run([*limit, "make", "--no-print-directory", *target], cwd=CHECKOUT, check=False).returncode == 0


def _names(parts: set[str]) -> str:
    return ", ".join(sorted(parts)) or "none"


def main() -> int:
    """Print the parts to add to `make test`, or run the others; return 1 if a part that counts failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.selection.parts_of_change", description=__doc__)
    parser.add_argument("--touched", action="store_true", help="print the parts that the change touches, for --part")
    today, parts = datetime.datetime.now(datetime.UTC).date(), touched(files_of_change())
    if parser.parse_args().touched:
        print(",".join([NO, *sorted(parts - WITH_TARGETS.keys())]))
        return 0
    with_targets, others = parts & WITH_TARGETS.keys(), in_turn(today) - parts
    print(f"longer tests of the change: {_names(with_targets)}; others in turn today: {_names(others)}", flush=True)
    passed = not with_targets or run(with_targets)
    if others and not run(others, TURN_S):
        NOTED.parent.mkdir(exist_ok=True)
        with NOTED.open("a") as notes:
            notes.write(f"{today}: {_names(others)} failed at {_git('rev-parse', '--short', 'HEAD')}\n")
        print(f"\n*** {_names(others)} FAILED. The change doesn't touch this: see {NOTED}, and fix it. ***", flush=True)
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
