"""Logging to a full disk, in a separate process: nothing is raised, and later lines are complete."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, resource, signal, sys
from pathlib import Path
import structlog
from runtime.services.logging import configure_logging

file = Path(sys.argv[1])
configure_logging(file)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
logger = structlog.get_logger()
unlimited = resource.RLIM_INFINITY
for turn in range(3):
    logger.info("room", turn=turn)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + turn * 20, unlimited))
    logger.info("no room", turn=turn)
    logging.getLogger("library").error("no room either")
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
logger.info("done")
"""


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """Even if half a line fitted on the disk, the next line begins on a new line."""
    file = tmp_path / "log" / "up.log"

    done = subprocess.run([sys.executable, "-c", SCRIPT, str(file)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    lines = file.read_text().splitlines()
    torn = [line for line in lines if not line.endswith("}")]
    assert [json.loads(line)["event"] for line in lines if line not in torn] == ["room"] * 3 + ["done"]
    assert [len(line) for line in torn] == [20, 40]
