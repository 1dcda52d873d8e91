"""Show how much of a long step is done, on standard error: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from ingest.log.archive.meter import Meter

LINE_EVERY_S = 10.0
_MB = 1_000_000


@contextmanager
def metered() -> Iterator[Meter]:
    """Yield a meter for standard error."""
    if not sys.stderr.isatty():
        yield Lines(lambda line: click.echo(line, err=True))
        return
    with _progress() as progress:
        yield Bar(progress)


class Lines:
    """A meter that prints a line every ten seconds; a short step prints none."""

    def __init__(self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` is in seconds."""
        self._report, self._clock = report, clock
        self._step, self._total = "", 0

    def begin(self, step: str, records: int) -> None:
        """Begin a step."""
        self._step, self._total, self._done, self._bytes = step, records, 0, 0
        self._began = self._shown = self._clock()

    def add(self, records: int, size: int) -> None:
        """Count, and print a line if the last one is old."""
        self._done += records
        self._bytes += size
        now = self._clock()
        if now - self._shown >= LINE_EVERY_S:
            self._shown = now
            self._report(self._line(now - self._began))

    def _line(self, passed_s: float) -> str:
        left_s = (self._total - self._done) * passed_s / self._done
        return (
            f"{self._step}: {self._done:,} of {self._total:,} records, {self._bytes / passed_s / _MB:,.1f} MB/s, "
            f"about {left_s:,.0f} s left"
        )


class Bar:
    """A meter that is a line of `rich`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, step: str, records: int) -> None:
        """Add a bar."""
        self._task = self._progress.add_task(step, total=records, bytes=0)

    def add(self, records: int, size: int) -> None:
        """Move the bar."""
        task = self._progress.tasks[self._task]
        self._progress.update(self._task, advance=records, bytes=task.fields["bytes"] + size)


class _RateColumn(ProgressColumn):
    """The mean rate of records and bytes."""

    def render(self, task: Task) -> Text:
        """Return both, empty until they are known."""
        passed_s = task.finished_time or task.elapsed
        if not passed_s:
            return Text("")
        return Text(
            f"{task.completed / passed_s:,.0f} records/s  {task.fields['bytes'] / passed_s / _MB:,.1f} MB/s",
            style="cyan",
        )


def _progress() -> Progress:
    done = TextColumn("{task.completed:,.0f} of {task.total:,.0f}")
    left = TimeRemainingColumn(elapsed_when_finished=True)
    console = Console(stderr=True)
    return Progress(TextColumn("{task.description}"), BarColumn(30), done, _RateColumn(), left, console=console)
