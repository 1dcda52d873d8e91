"""Where log lines go: a disk without room costs lines, never the process that has something to say."""

import contextlib
import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from runtime.log_rotation import LOG_BYTES_MAX, begin_anew
from runtime.private_files import open_private

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _LossyFile(io.FileIO):
    """Writes what it can and keeps nothing back: a buffer would hold what failed, and fail with it again and again."""

    _torn = False

    def write(self, line: "ReadableBuffer", /) -> int:
        whole = b"\n" * self._torn + bytes(line)  # what was cut short ends here, and spoils no other line
        try:
            written = super().write(whole) or 0
        except OSError:
            written = 0
        if written:
            self._torn = written < len(whole)
        return len(bytes(line))


class _RotatingFile(_LossyFile):
    """Begins a new file when this one is full; where that can't be done, goes on with it and tries again."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        super().__init__(path, "ab", opener=open_private)
        self._path, self._bytes_max = path, bytes_max
        self._turn = threading.Lock()

    def write(self, line: "ReadableBuffer", /) -> int:
        size = super().write(line)
        if self._is_full():
            with self._turn, contextlib.suppress(OSError):
                if self._is_full():  # another thread may just have done it
                    begin_anew(self._path, self.fileno())
                    self._torn = False
        return size

    def _is_full(self) -> bool:
        return os.fstat(self.fileno()).st_size >= self._bytes_max


def lossy_stream(target: Path | int, bytes_max: int = LOG_BYTES_MAX) -> TextIO:
    """Text to the end of a file, which is rotated at ``bytes_max``, or to a descriptor. No write ever fails.

    A descriptor stays open whatever becomes of this stream; its file is for who gave it to rotate.
    """
    raw = _LossyFile(target, "ab", closefd=False) if isinstance(target, int) else _RotatingFile(target, bytes_max)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
