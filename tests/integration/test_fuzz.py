"""A short run of `make fuzz`, with every family of attacks, finds nothing.

Other tests run at the same time and use the same processors. So the bounds on time and memory are loose here:
`make fuzz`, on a machine with nothing else to do, judges them. All other checks are equally strict.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.families import FAMILIES
from tests.support import CHECKOUT

LOOSE = ("--answer-s", "20", "--late-s", "60", "--memory-mb", "700")


@pytest.mark.timeout(400)
def test_a_short_run_with_every_family_finds_nothing(tmp_path: Path) -> None:
    """No 5xx but 503, one error shape, no accepted forgery, no lost 2xx, exact counts, no crash."""
    command = [sys.executable, "-m", "tests.fuzz", "--minutes", "0.4", "--seed", "7", "--json", *LOOSE]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}

    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    assert figures["findings"] == []
    assert {name for name, row in figures["families"].items() if row["cases"]} == {family.name for family in FAMILIES}
    assert figures["promised"] > 0
    assert figures["client"]["events"] > 0
