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
            some: Sequence[bytes | memoryview] = chunks[i : i + IOV_MAX]
            end = size + sum(map(len, some))
            while (size := size + os.pwritev(self._file, some, size)) < end:
                some = [memoryview(b"".join(some))[size - end :]]  # the rest of a short write
        os.ftruncate(self._file, size)

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self._file)
