"""Folders with the files of many sessions: what is in them, and which session each file belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from crewkit_hook.transcripts.lines import new_lines, parsed

SessionOf = Callable[[dict[str, Any]], str]


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
            self._of_sessions[folder, pattern] = self._by_session(folder, pattern, session_of)
        return self._of_sessions[folder, pattern].get(session_id, [])

    def _by_session(self, folder: Path, pattern: str, session_of: SessionOf) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for file in self.glob(folder, pattern):
            with suppress(LookupError):
                found.setdefault(_session(str(file), session_of), []).append(file)
        return found


@lru_cache(maxsize=10_000)
def _session(path: str, session_of: SessionOf) -> str:
    """Return the session of a file. It is cached, since it is read again and again while an agent runs.

    Raises:
        LookupError: the first line is not written yet.
    """
    for _, line in new_lines(path, 0):
        return session_of(parsed(line))
    raise LookupError(path)
