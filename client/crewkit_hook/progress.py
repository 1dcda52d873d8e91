"""A progress bar, shown only in a terminal."""

from __future__ import annotations

import sys

WIDTH = 40


class Bar:
    """A line that is redrawn while work goes on."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what, self._total, self._done = what, total, 0
        self._is_shown = sys.stderr.isatty()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            print(file=sys.stderr)

    def left(self, count: int) -> None:
        """Show how much is left; the most that was ever left is the total."""
        self._total = max(self._total, count)
        self.done(self._total - count)

    def done(self, count: int) -> None:
        """Show how much is done."""
        self._done = count
        if self._is_shown:
            full = WIDTH * count // max(1, self._total)
            line = f"\r{self._what} {'█' * full}{'░' * (WIDTH - full)} {count:,} of {self._total:,}"
            print(line, end="", file=sys.stderr, flush=True)
