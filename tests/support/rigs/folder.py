"""The files of a folder in which others are at work: what vanishes meanwhile is not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def files_of(folder: Path) -> Iterator[Path]:
    """Every file, in all depths; the next look at one may find it gone."""
    for path, _, names in os.walk(folder):  # unlike rglob it goes on where a folder has vanished
        yield from (Path(path, name) for name in names)


def largest_of(folder: Path) -> int:
    """Bytes of the largest file."""
    sizes = [0]
    for file in files_of(folder):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(file.stat().st_size)
    return max(sizes)
