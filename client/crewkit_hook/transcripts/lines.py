"""Session files: lines of JSON in a growing file, and folders with the files of many sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from crewkit_hook import foreign

# Errors raised by lines that differ from what the agent's known versions write. Such lines are ignored.
ODD = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
LINE_BYTES_MAX = 32 << 20  # no request to a model is larger
SKIPPED_BYTES_MAX = 256 << 20  # of longer lines, in one call
SessionOf = Callable[[dict[str, Any]], str]


def new_lines(path: str, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield each complete line from an offset on, with the offset after it; nothing if the file does not exist.

    If a line is too long, each piece of it is yielded as an empty line. The next call goes on after the last piece: the
    rest of a JSON object is not a valid object, so it is ignored, too.
    """
    skipped, is_rest = 0, False
    try:
        with os.fdopen(foreign.opened(path), "rb") as file:
            file.seek(offset)
            while skipped < SKIPPED_BYTES_MAX and (piece := file.readline(LINE_BYTES_MAX)):
                is_end = piece.endswith(b"\n")
                if not is_end and len(piece) < LINE_BYTES_MAX:  # still being written
                    return
                offset += len(piece)
                yield offset, piece if is_end and not is_rest else b""
                skipped += 0 if is_end else len(piece)
                is_rest = not is_end
    except OSError:
        return


def parsed(line: bytes) -> dict[str, Any]:
    """Return the object of a line; empty if the line is not a JSON object."""
    try:
        return object_of(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def object_of(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def texts_of(said: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are non-empty texts."""
    return {name: value for name, value in said.items() if isinstance(value, str) and value}


def ms_of(timestamp: Any) -> int:
    """Return the milliseconds since 1970 of an RFC 3339 time; 0 for anything else."""
    try:
        moment = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)


def instant(ms: int) -> str:
    """Return the RFC 3339 time of milliseconds since 1970."""
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def number(value: Any) -> int:
    """Return a count; 0 for anything else."""
    return value if isinstance(value, int) and value > 0 else 0


def by_age(files: Iterable[Path]) -> list[Path]:
    """Return the files that exist, the one that changed first at the beginning."""
    changed = {file: file.stat().st_mtime for file in files if file.exists()}  # skip broken links
    return sorted(changed, key=lambda file: (changed[file], str(file)))


class Folders:
    """Lists each folder once. An import shares one instance; for a running agent, each look needs a new one."""

    def __init__(self) -> None:
        self._found: dict[tuple[Path, str], list[Path]] = {}
        self._of_sessions: dict[tuple[Path, str], dict[str, list[Path]]] = {}

    def glob(self, folder: Path, pattern: str) -> list[Path]:
        """Return what is in a folder, in order."""
        if (folder, pattern) not in self._found:
            self._found[folder, pattern] = sorted(folder.glob(pattern))
        return self._found[folder, pattern]

    def of_session(self, session_id: str, folder: Path, pattern: str, session_of: SessionOf) -> list[Path]:
        """Return a session's files in a folder, in order; ``session_of`` finds the session in a file's first line."""
        if (folder, pattern) not in self._of_sessions:
            found: dict[str, list[Path]] = {}
            for file in self.glob(folder, pattern):
                with suppress(LookupError):
                    found.setdefault(_session(str(file), session_of), []).append(file)
            self._of_sessions[folder, pattern] = found
        return self._of_sessions[folder, pattern].get(session_id, [])


@lru_cache(maxsize=10_000)
def _session(path: str, session_of: SessionOf) -> str:
    """Return the session of a file. It is cached, since it is read again and again while an agent runs.

    Raises `LookupError` if the first line is not written yet.
    """
    for _, line in new_lines(path, 0):
        return session_of(parsed(line))
    raise LookupError(path)
