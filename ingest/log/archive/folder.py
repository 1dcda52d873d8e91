"""An export in a folder. Each file is replaced whole, and is on disk before `write` returns."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import UNSET, UnsetType

from ingest.log.archive.manifest import MANIFEST
from ingest.log.archive.place import Stored
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.atomic_write import scratch_of, write_durably

FOLDER_MODE = 0o700
_UNVERSIONED = ""


class Folder:
    """`ingest.log.archive.place.Place` on a disk. A lock makes its swaps safe, so its files have no versions."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def read(self, name: str) -> Stored:
        try:
            return Stored((self._path / name).read_bytes(), _UNVERSIONED)
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(name) from None
        except OSError as error:
            raise Damaged(name, f"it can't be read: {error.strerror}") from error

    def sizes(self) -> Mapping[str, int]:
        try:
            return {file.name: file.stat().st_size for file in self._path.iterdir()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, name: str, content: bytes) -> None:
        file = self._path / name
        try:
            write_durably(file, content)
        except OSError as error:
            scratch_of(file).unlink(missing_ok=True)
            hint = "free some space, then " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            raise Refused(
                f"{file} can't be written: {error.strerror}; {hint}run the command again: it continues where it stopped"
            ) from error

    def swap(self, name: str, content: bytes, version: str | None) -> str:  # noqa: ARG002 - it is locked
        self.write(name, content)
        return _UNVERSIONED

    def remove(self, name: str) -> None:
        file = self._path / name
        try:
            file.unlink()
        except OSError as error:
            raise Refused(
                f"{file} can't be removed: {error.strerror}; remove it, then run the command again"
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[UnsetType]:
        try:
            self._path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._close_to_others()
            yield UNSET
        except BlockingIOError as error:
            raise Refused(f"another process exports into {self.name}: wait until it is done") from error
        finally:
            os.close(handle)

    def _close_to_others(self) -> None:
        """Close a folder of ours to other accounts, and remove what an interrupted write left."""
        names, interrupted = {*self.sizes()}, scratch_of(Path(MANIFEST)).name
        if MANIFEST not in names and names - {interrupted}:
            return
        try:
            self._path.chmod(FOLDER_MODE)
            for scratch in self._path.glob(scratch_of(Path("*")).name):
                scratch.unlink()
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> Refused:
        return Refused(f"{self.name} can't be used: {error.strerror}; name another folder")
