"""Whether a process still runs. A process id is used again after a while, so its start is compared, too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_STARTED = 19  # the 22nd field of /proc/PID/stat, of those behind the name


def started(process: str) -> str:
    """Return when a process started, as its system says it; empty if there is none."""
    if not process.isdigit():
        return ""
    stat = Path("/proc", process, "stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_bytes().rpartition(b")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == b"Z" else fields[_STARTED].decode()
    command = ["ps", "-o", "lstart=", "-p", process]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()  # noqa: S603


def runs(process: str, since: str) -> bool:
    """Return whether the process that started then still runs. One whose start was not seen was gone before."""
    return bool(since) and started(process) == since


def is_alive(pid: int) -> bool:
    """Return whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
