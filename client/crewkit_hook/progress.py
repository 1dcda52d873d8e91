"""How far a command is, shown only in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """A line that is rewritten while work goes on."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total

    def done(self, count: int) -> None:
        """Show how much is done."""
        if sys.stderr.isatty():
            print(f"\r{self._what} {count:,} of {self._total:,}", end="", file=sys.stderr, flush=True)

    def left(self, count: int) -> None:
        """Show how much is left; the most that was ever left is the total."""
        self._total = max(self._total, count)
        self.done(self._total - count)


@contextmanager
def progress(what: str, total: int = 0) -> Iterator[Progress]:
    """Show how far work is, and end the line after it."""
    try:
        yield Progress(what, total)
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
