"""Replaces files atomically: a reader sees the old content or the new."""

from __future__ import annotations

import os
from pathlib import Path


def replace(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Create or replace a file. By default only its owner can read it."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    temporary.chmod(mode)
    temporary.replace(file)
