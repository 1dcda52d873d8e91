"""Short runs of `make fuzz` find nothing.

Other tests run at the same time on the same processors. So the bounds on time and memory are loose here:
only `make fuzz` on an idle machine judges them. All other checks are equally strict.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.families import FAMILIES
from tests.support import CHECKOUT

LOOSE = ("--answer-s", "20", "--late-s", "60", "--memory-mb", "700")
SMALL = {family.name for family in FAMILIES if family.lane in ("quick", "wire")}


def attack(folder: Path, minutes: float, families: set[str]) -> dict[str, Any]:
    """Run the fuzzer with some families; return its figures."""
    only = [word for name in sorted(families) for word in ("--only", name)]
    command = [sys.executable, "-m", "tests.fuzz", "--minutes", str(minutes), "--seed", "7", "--json", *LOOSE, *only]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    figures: dict[str, Any] = json.loads(run.stdout)
    return figures


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("minutes", "families"),
    [
        pytest.param(0.04, SMALL, id="small requests"),
        pytest.param(
            0.4, {family.name for family in FAMILIES}, id="every family", marks=pytest.mark.part("fuzz", instead=True)
        ),
    ],
)
def test_a_short_run_finds_nothing(tmp_path: Path, minutes: float, families: set[str]) -> None:
    """No 5xx but 503, one error shape, no accepted forgery, no lost 2xx, exact counts, no crash."""
    figures = attack(tmp_path, minutes, families)

    assert figures["findings"] == []
    assert {name for name, row in figures["families"].items() if row["cases"]} == families
    assert figures["promised"] > 0
    assert figures["client"]["events"] > 0
