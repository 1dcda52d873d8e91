"""The files of a folder in which other processes work: files that disappear meanwhile are ignored."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def files_of(folder: Path) -> Iterator[Path]:
    """Yield every file at any depth; a file may disappear before it is opened."""
    for path, _, names in os.walk(folder):  # unlike rglob it continues when a folder has disappeared
        yield from (Path(path, name) for name in names)


def largest_of(folder: Path) -> int:
    """Return the size of the largest file."""
    sizes = [0]
    for file in files_of(folder):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(file.stat().st_size)
    return max(sizes)
