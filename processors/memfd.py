"""A file in memory, from which an engine in this process reads the rows of an insert.

Each thread keeps overwriting one file: its pages stay, so nothing is zeroed, joined or written to a disk.
"""

import os
from collections.abc import Sequence
from contextlib import suppress

IOV_MAX = 1024
AVAILABLE = hasattr(os, "memfd_create")  # on Linux


class MemoryFile:
    """Holds the rows of one insert. One thread at a time."""

    def __init__(self) -> None:
        self._file = os.memfd_create("rows")
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"

    def replace(self, chunks: Sequence[bytes]) -> None:
        """Replace the content. Raises `OSError` if there is not enough memory."""
        size = 0
        for i in range(0, len(chunks), IOV_MAX):
            size = self._write(chunks[i : i + IOV_MAX], size)
        os.ftruncate(self._file, size)

    def _write(self, chunks: Sequence[bytes], at: int) -> int:
        end = at + sum(map(len, chunks))
        while chunks and (at := at + os.pwritev(self._file, chunks, at)) < end:
            chunks = [memoryview(b"".join(chunks))[at - end :]]  # type: ignore[list-item]  # the rest of a short write
        return end

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self._file)
