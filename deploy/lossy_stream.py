"""Where log lines go: a disk without room costs lines, never the process that has something to say."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from deploy.private_files import open_private

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


def lossy_stream(target: Path | int) -> TextIO:
    """Text to the end of a file, or to a descriptor that stays open whatever becomes of this. No write ever fails."""
    raw = _LossyFile(target, "ab", closefd=not isinstance(target, int), opener=open_private)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
