"""A separate disk that one test may fill; it requires the right to mount."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 1 << 20
SIZE = 640 * MIB


class SmallDisk:
    """A tmpfs at ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def leave(self, free: int) -> None:
        """Fill it, except for this many bytes."""
        with self._filler.open("ab") as file:
            while (more := self._free() - free) > 0:
                self._take(file.fileno(), file.seek(0, os.SEEK_END), more)

    @staticmethod
    def _take(file: int, end: int, more: int) -> None:
        try:
            os.posix_fallocate(file, end, more)
        except OSError as error:
            if error.errno != errno.ENOSPC:  # another process used some space between the two calls
                raise

    def _free(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def empty(self) -> None:
        """Delete the fill file."""
        self._filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mount a disk for the test, or skip if that is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a full disk needs the right to mount a small one: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
