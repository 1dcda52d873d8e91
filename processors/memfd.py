"""Rows on their way into an engine in this process: it reads them from a file, and this file is memory.

One file a thread, overwritten each time: its pages stay, so nothing is zeroed, joined or written to a disk.
"""

import os
from collections.abc import Sequence
from contextlib import suppress

IOV_MAX = 1024
AVAILABLE = hasattr(os, "memfd_create")  # on Linux


class Staging:
    """A file in memory that holds the rows of one insert. One thread at a time."""

    def __init__(self) -> None:
        self._file = os.memfd_create("rows")
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"

    def hold(self, chunks: Sequence[bytes]) -> None:
        """Replace what it holds.

        Raises:
            OSError: there is no memory for it.
        """
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
