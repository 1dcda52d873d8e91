"""Run the parts of the tests that a change touches, and one more in turn: `python -m tests.selection.parts_of_change`.

The change is what HEAD has since `SINCE`, a commit; without it, the commits of the last day before HEAD. The part in
turn goes by the date, so that each runs in a round of as many days as there are parts. It doesn't fail the run unless
the change touches it: that it failed is printed, and noted with its date in `var/failed-parts.txt`.
"""

import datetime
import os
import subprocess
import sys
from collections.abc import Iterable

from tests.selection.parts import PARTS
from tests.support import CHECKOUT

NOTED = CHECKOUT / "var" / "failed-parts.txt"
FOLDERS: dict[str, list[str]] = {  # the parts that a change in a folder touches; the longest name that fits decides
    "": [],
    "audit": ["volume"],
    "client": ["agents", "volume"],
    "dashboard": ["browser"],
    "deploy": ["images"],
    "deploy/devstack": ["brokers"],
    "deploy/prometheus": ["alerts"],
    "edge": ["fuzz", "alerts"],
    "ingest": ["fuzz"],
    "ingest/log": ["brokers"],
    "processors": ["kills", "model", "mutants"],
    "query_api": ["browser"],
    "requirements.lock": ["floor", "images"],
    "runtime": ["kills"],
    "schemas": ["model"],
    "store": ["brokers", "floor", "model"],
    "tests/browser": ["browser"],
    "tests/clients": ["agents"],
    "tests/fuzz": ["fuzz"],
    "tests/images": ["images"],
    "tests/support/oracles": ["model", "mutants"],
}


def touched(files: Iterable[str]) -> set[str]:
    """Return the parts that changes of these files touch."""
    return {part for file in files for part in FOLDERS[folder_of(file)]}


def folder_of(file: str) -> str:
    """Return the longest name of the table that the file is, or is in."""
    return max((folder for folder in FOLDERS if not folder or f"{file}/".startswith(f"{folder}/")), key=len)


def in_turn(day: datetime.date) -> str:
    """Return the part whose turn it is on this day."""
    return sorted(PARTS)[day.toordinal() % len(PARTS)]


def files_of_change() -> list[str]:
    """Return the files that the change touches; none if the history doesn't go back that far."""
    day_before = datetime.datetime.fromisoformat(_git("log", "-1", "--format=%cI")) - datetime.timedelta(days=1)
    since = os.environ.get("SINCE") or _git("rev-list", "-1", f"--before={day_before.isoformat()}", "HEAD")
    return _git("diff", "--name-only", since, "HEAD").splitlines() if since else []


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run(parts: set[str]) -> bool:
    """Run parts with the seed of the day, and return whether they passed."""
    command = ["make", "--no-print-directory", "parts", f"PART={','.join(sorted(parts))}"]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode == 0


def main() -> int:
    """Run what the change touches, then the part in turn; return 1 if the former failed."""
    today = datetime.datetime.now(datetime.UTC).date()
    parts, turn = touched(files_of_change()), in_turn(today)
    print(f"parts that the change touches: {', '.join(sorted(parts)) or 'none'}; in turn today: {turn}", flush=True)
    passed = not parts or run(parts)
    if turn not in parts and not run({turn}):
        NOTED.parent.mkdir(exist_ok=True)
        with NOTED.open("a") as notes:
            notes.write(f"{today}: the part {turn} failed at {_git('rev-parse', '--short', 'HEAD')}\n")
        print(f"\n*** The part {turn} FAILED. The change doesn't touch it: see {NOTED}, and fix it. ***", flush=True)
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
