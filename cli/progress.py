"""Shows the progress of a long step on standard error: a bar on a terminal, otherwise a line every ten seconds."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from ingest.log.archive.meter import Meter

LINE_EVERY_S, MOVE_EVERY_S = 10.0, 0.1
_MB = 1_000_000


@contextmanager
def metered() -> Iterator[Meter]:
    """Yield a meter for standard error."""
    if not sys.stderr.isatty():
        yield Lines(lambda line: click.echo(line, err=True))
        return
    with progress_on(Console(stderr=True)) as progress:
        bar = Bar(progress)
        try:
            yield bar
        finally:
            bar.move()


class Lines:
    """A meter that prints a line every ten seconds, so a short step prints none."""

    def __init__(self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._clock = report, clock
        self._step, self._total = "", 0

    def begin(self, step: str, records: int) -> None:
        self._step, self._total, self._done, self._bytes = step, records, 0, 0
        self._began = self._shown = self._clock()

    def add(self, records: int, size: int) -> None:
        """Count, and print a line if the last one is old enough."""
        self._done += records
        self._bytes += size
        now = self._clock()
        if now - self._shown >= LINE_EVERY_S:
            self._shown, passed_s = now, now - self._began
            left_s = (self._total - self._done) * passed_s / self._done
            self._report(
                f"{self._step}: {self._done:,} of {self._total:,} records, {self._bytes / passed_s / _MB:,.1f} MB/s, "
                f"about {left_s:,.0f} s left"
            )


class Bar:
    """A meter that is a bar of `rich`. It moves only ten times per second, since records may come 100,000 times."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._moved = 0.0

    def begin(self, step: str, records: int) -> None:
        self.move()
        self._done = self._bytes = 0
        self._began = time.monotonic()
        self._task = self._progress.add_task(step, total=records, rate="")

    def add(self, records: int, size: int) -> None:
        """Count, and move the bar if it last moved long enough ago."""
        self._done += records
        self._bytes += size
        if time.monotonic() - self._moved >= MOVE_EVERY_S:
            self.move()

    def move(self) -> None:
        """Show the current count, and the mean rate of records and bytes."""
        self._moved = time.monotonic()
        if self._task is not None and (passed_s := self._moved - self._began):
            rate = f"{self._done / passed_s:,.0f}/s  {self._bytes / passed_s / _MB:,.1f} MB/s"
            self._progress.update(self._task, completed=self._done, rate=rate)


def progress_on(console: Console) -> Progress:
    """Return the table of bars, one for each step."""
    done = TextColumn("{task.completed:,.0f} of {task.total:,.0f}")
    rate = TextColumn("{task.fields[rate]}", style="cyan", table_column=Column(no_wrap=True))
    left = TimeRemainingColumn(elapsed_when_finished=True)
    return Progress(TextColumn("{task.description}"), BarColumn(16), done, rate, left, console=console)
