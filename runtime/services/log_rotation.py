"""Rotates log files: a full one replaces NAME.1, and a new one begins."""

import contextlib
import os
import shutil
from io import FileIO
from pathlib import Path

from runtime.settings.private_files import open_private

LOG_BYTES_MAX = 32 * 1024 * 1024
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL


def begin_anew(log_file: Path, descriptor: int) -> None:
    """Point ``descriptor``, through which this process writes the log, to a new file. No line is lost.

    After an `OSError`, the descriptor still points to the old file.
    """
    scratch = _scratch(log_file)
    fresh = open_private(scratch, _APPEND)
    try:
        with contextlib.suppress(FileNotFoundError):  # removed by the operator
            log_file.replace(_old(log_file))
        scratch.replace(log_file)
        os.dup2(fresh, descriptor, inheritable=False)
    finally:
        os.close(fresh)


def cut_when_full(log_file: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Copy a full log to NAME.1 while another process writes it, then truncate it. Raises `OSError`.

    The other process must have opened it for appending, so that it continues at the new end. A line that it writes in
    the microseconds between copy and truncation is lost. If the disk has no room for a copy, the whole log is lost.
    """
    if not log_file.exists() or log_file.lstat().st_size < bytes_max:
        return
    with open(log_file, "r+b", buffering=0, opener=open_private) as full:
        with contextlib.suppress(OSError):
            _copy(full, log_file)
        full.truncate(0)


def _copy(full: FileIO, log_file: Path) -> None:
    scratch = _scratch(log_file)
    try:
        with open(scratch, "xb", buffering=0, opener=open_private) as copy:
            shutil.copyfileobj(full, copy)
            scratch.replace(_old(log_file))
            shutil.copyfileobj(full, copy)  # lines written meanwhile
    finally:
        scratch.unlink(missing_ok=True)


def _old(log_file: Path) -> Path:
    return log_file.with_name(f"{log_file.name}.1")


def _scratch(log_file: Path) -> Path:
    scratch = log_file.with_name(f".{log_file.name}.new")
    scratch.unlink(missing_ok=True)
    return scratch
