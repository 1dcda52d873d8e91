"""Hyperscan over many patterns at once: hundreds of megabytes a second, where a single combined `re` manages ten."""

import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import hyperscan

FIRST_ALONE = hyperscan.HS_FLAG_SINGLEMATCH  # report whether a pattern matches, not how often


class Hit(NamedTuple):
    """The end of a match, and its pattern's place in the list."""

    end: int
    pattern: int


class Cache(Protocol):
    """Keeps compiled patterns for later processes. It never raises."""

    def load(self, name: str) -> bytes | None:
        """Return what was saved under this name, or None."""

    def save(self, name: str, compiled: bytes) -> None:
        """Save compiled patterns, if that is possible."""


class Scanner:
    """Patterns that are compiled once, at the first use or by `compile`. Any thread may scan."""

    def __init__(self, patterns: Sequence[bytes], flags: int = 0) -> None:
        self._patterns, self._flags = patterns, flags
        self._of_thread = threading.local()

    def compile(self, cache: Cache | None = None) -> None:
        """Take the compiled patterns from the cache, or compile them now and save them there."""
        if cache is None or "_database" in vars(self):
            _ = self._database
            return
        with suppress(hyperscan.error):  # it checks version, processor and checksum
            if (compiled := cache.load(self._name())) is not None:
                self._database = hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK)
                return
        cache.save(self._name(), hyperscan.dumpb(self._database))

    def _name(self) -> str:
        """Return a name that changes with the patterns, the flags and the version of hyperscan."""
        version = hyperscan.__version__  # type: ignore[attr-defined]  # its stub leaves it out
        parts = (version, self._flags, list(self._patterns))
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def scan(self, data: Any) -> list[Hit]:
        """Return every match in a buffer, in no particular order."""
        hits: list[Hit] = []
        self._database.scan(data, match_event_handler=_note, context=hits, scratch=self._scratch())
        return hits

    def reaches(self, count: int, data: Any) -> bool:
        """Return whether a buffer has ``count`` matches; stop the scan there."""
        left = count

        def ends(*_match: Any) -> bool:
            nonlocal left
            left -= 1
            return left <= 0

        try:
            self._database.scan(data, match_event_handler=ends, scratch=self._scratch())
        except hyperscan.ScanTerminated:
            return True
        return False

    @cached_property
    def _database(self) -> hyperscan.Database:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=list(self._patterns), ids=list(range(len(self._patterns))), flags=self._flags)
        return database

    def _scratch(self) -> Any:
        scratch = getattr(self._of_thread, "scratch", None)
        if scratch is None:
            scratch = self._of_thread.scratch = hyperscan.Scratch(self._database)
        return scratch


def _note(pattern: int, _begin: int, end: int, _flags: int, hits: Any) -> None:
    hits.append(Hit(end, pattern))
