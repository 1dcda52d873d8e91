"""Configures structured logs, one JSON object per line, to standard error or to a file.

When the disk is full, lines are lost, but the process does not fail.
"""

import contextlib
import io
import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from runtime.services.log_rotation import LOG_BYTES_MAX, begin_anew
from runtime.settings.private_files import open_private, private_folder
from store.absent_packages import absent

with absent("rich"):  # structlog would use it to draw tracebacks on terminals; our lines are JSON
    import structlog

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _BestEffortFile(io.FileIO):
    """Writes what it can, unbuffered: a buffer would retry failed bytes with every later line and fail again."""

    _torn = False

    def write(self, line: "ReadableBuffer", /) -> int:
        whole = b"\n" * self._torn + bytes(line)  # first ends a line that was only partly written
        try:
            written = super().write(whole) or 0
        except OSError:
            written = 0
        if written:
            self._torn = written < len(whole)
        return len(bytes(line))


class _RotatingFile(_BestEffortFile):
    """Begins a new file when this one is full. If that fails, it continues with the full file and tries again."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        super().__init__(path, "ab", opener=open_private)
        self._path, self._bytes_max = path, bytes_max
        self._room = 0  # bytes that are sure to fit, so that not every line needs a system call for the size
        self._turn = threading.Lock()

    def write(self, line: "ReadableBuffer", /) -> int:
        size = super().write(line)
        self._room -= size
        if self._room <= 0 and self._is_full():
            with self._turn, contextlib.suppress(OSError):
                if self._is_full():  # another thread may just have rotated the file
                    begin_anew(self._path, self.fileno())
                    self._torn = False
        return size

    def _is_full(self) -> bool:
        self._room = self._bytes_max - os.fstat(self.fileno()).st_size
        return self._room <= 0


def best_effort_stream(target: Path | int, bytes_max: int = LOG_BYTES_MAX) -> TextIO:
    """Return a text stream to a file, rotated at ``bytes_max``, or to a descriptor. Writes never raise.

    Closing the stream leaves a descriptor open; rotating the file behind it is up to the caller.
    """
    raw = _BestEffortFile(target, "ab", closefd=False) if isinstance(target, int) else _RotatingFile(target, bytes_max)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)


def configure_logging(file: Path | None = None) -> None:
    """Send the logs to ``file``, or to standard error if there is none."""
    if file is not None:
        private_folder(file.parent)
    out = best_effort_stream(file or sys.stderr.fileno())
    logging.basicConfig(stream=out, level=logging.WARNING, format='{"level": "%(levelname)s", "event": "%(message)s"}')
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
