"""`--repair` of the audit: request a repair from the projecting processes, and check until the result is right."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from cli.installation import InstallationOptions, away
from kernel.atomic_write import write_whole
from runtime.repair import REPAIR_SIGNAL, repair_request

UNCHANGED_S = 60.0  # a repair that changes nothing for this long is finished
LOOK_EVERY_S = 1.0
Found = dict[str, Any]


def repaired(where: InstallationOptions, look: Callable[[], Found], is_right: Callable[[Found], bool]) -> Found:
    """Return what ``look`` finds once it is right and all processes are done, or once nothing changes any more."""
    if where.url:
        raise click.UsageError("--repair signals the projectors of this machine: give --data. Elsewhere restart them")
    found = look()
    if is_right(found):
        return found
    requests = ask_for_repair(where.settings.folder)
    changed_at = time.monotonic()
    try:
        while not (is_right(found) and _done(requests)) and time.monotonic() - changed_at < UNCHANGED_S:
            time.sleep(LOOK_EVERY_S)
            before, found = found, look()
            if found != before:
                changed_at = time.monotonic()
    finally:
        for request in requests:
            request.unlink(missing_ok=True)
    return found


def ask_for_repair(folder: Path) -> list[Path]:
    """Request a repair from every projecting process; end the command if none runs.

    Returns:
        A file for each process, which the process removes when it is done.
    """
    pids = list(_projecting(folder / "run"))
    if not pids:
        away(f"no projector runs on {folder}: start one, and it looks for gaps by itself")
    requests = [repair_request(folder, pid) for pid in pids]
    for request, pid in zip(requests, pids, strict=True):
        write_whole(request, "")
        os.kill(pid, REPAIR_SIGNAL)
    return requests


def _done(requests: Sequence[Path]) -> bool:
    """Return whether all are done; during a repair, rows that look right may be removed and computed again."""
    return not any(request.exists() for request in requests)


def _projecting(run: Path) -> Iterator[int]:
    """Yield the pids of running processes; while the folder is locked, its pid files are current."""
    if _is_held(run / "lock"):
        for file in (run / "up.pid", *sorted(run.glob("projector-*.pid"))):
            if file.exists():
                yield int(file.read_text())


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
