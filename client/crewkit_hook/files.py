"""Replaces files at once: a reader sees the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def replace(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file in place of another one. By default its user alone can read it."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    temporary.chmod(mode)
    temporary.replace(file)
