"""Finds out whether a process is still running. Process ids are reused, so start times are compared, too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_STARTED = 19  # index of the start time (field 22 of /proc/PID/stat) among the fields after the name


def started(process: str) -> str | None:
    """Return when a process started, as the system shows it; empty if there is no process, None if it can't be seen."""
    if not process.isdigit():
        return ""
    if not Path("/proc/self/stat").exists():
        return _ps("lstart=", process)
    try:
        fields = Path("/proc", process, "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == b"Z" else fields[_STARTED].decode()


def runs(process: str, since: str | None) -> bool:
    """Return whether the process that started then is still running. An empty ``since`` means that it was gone."""
    return since is None or (bool(since) and started(process) in (since, None))


def command_line(pid: int) -> str:
    """Return the command line of a process; empty if there is no process, or it can't be seen."""
    if not Path("/proc/self/stat").exists():
        return _ps("command=", str(pid)) or ""
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _ps(field: str, process: str) -> str | None:
    """Ask `ps`. Time zone and language are fixed, since its output depends on them."""
    command = ["/bin/ps", "-o", field, "-p", process]
    try:
        done = subprocess.run(  # noqa: S603
            command, env={"LC_ALL": "C", "TZ": "UTC"}, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def is_alive(pid: int) -> bool:
    """Return whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the process of another user
        return True
    return True
