"""Replace a file atomically."""

import os
from pathlib import Path

FILE_MODE = 0o600


def write_whole(path: Path, text: str, mode: int = FILE_MODE) -> None:
    """Replace the file atomically: readers see the old text or the new, never a part.

    A symbolic link is replaced, not followed.
    """
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    scratch.replace(path)
