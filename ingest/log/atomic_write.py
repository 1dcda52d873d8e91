"""Replace a file atomically."""

import os
from pathlib import Path

FILE_MODE = 0o600


def write_whole(path: Path, text: str) -> None:
    """Replace the file atomically: readers see the old text or the new, never a part.

    A symbolic link is replaced, not followed.
    """
    _replace(path, text.encode())


def write_durably(path: Path, content: bytes) -> None:
    """Replace the file with bytes in the same way. After the call, the new content survives a power cut."""
    _replace(path, content, sync=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def scratch_of(path: Path) -> Path:
    """Return the temporary file for ``path``, which an interrupted write leaves behind."""
    return path.with_name(f".{path.name}.new")


def _replace(path: Path, content: bytes, *, sync: bool = False) -> None:
    scratch = scratch_of(path)
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    scratch.replace(path)
