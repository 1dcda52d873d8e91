"""A disk of its own for one test, which it may fill; needs the right to mount."""

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
        """Fill it, but for so many bytes."""
        with self._filler.open("ab") as file:
            while (more := self._free() - free) > 0:
                self._take(file.fileno(), file.seek(0, os.SEEK_END), more)

    @staticmethod
    def _take(file: int, end: int, more: int) -> None:
        try:
            os.posix_fallocate(file, end, more)
        except OSError as error:
            if error.errno != errno.ENOSPC:  # somebody else took some of it between the look and the taking
                raise

    def _free(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mounted for the test; skipped where that is not allowed."""
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
