"""Requests a job from an installation, and follows it with a bar until it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.exits import AWAY, end

if TYPE_CHECKING:
    from cli.client import Installation

LOOK_EVERY_S, LINE_EVERY_S = 0.5, 10.0
PATIENCE_S = 60.0  # while the installation's services restart
PATH = "/operator/jobs"
ENDED = ("done", "failed")
Found = dict[str, Any]


def create_job(installation: "Installation", kind: str, generation: str | None = None, **options: Any) -> Found:
    """Request a job and return it. If it is refused, the command ends."""
    body = {"kind": kind, "generation": generation, **options}
    found: Found = installation.post(PATH, msgspec.json.encode(body))["data"]
    return found


def run_job(
    installation: "Installation", kind: str, generation: str | None = None, *, waits: bool = False, **options: Any
) -> Found:
    """Request a job and return it once it has ended; show a bar on a terminal, otherwise a line now and then.

    With ``waits``, a missing process is reported once and waited for; otherwise the command ends with exit code 69. If
    the job failed, the command ends with 1.
    """
    missing, job = "", create_job(installation, kind, generation, **options)
    title = f"{job['kind']} {job['generation']}".rstrip()  # a load of prices has no generation
    with job_bar(title) as show:
        while job["state"] not in ENDED:
            if job["waits_for"] and job["waits_for"] != missing:
                missing = job["waits_for"]
                if not waits:
                    end(missing, AWAY)
                click.echo(f"waiting: {missing}", err=True)
            show(job["progress"] or {"share": None, "text": "waits" if job["state"] == "requested" else ""})
            time.sleep(LOOK_EVERY_S)
            job = installation.get(f"{PATH}/{job['id']}", patience_s=PATIENCE_S)["data"]
    if job["state"] == "failed":
        end(f"{title} failed: {job['reason']}")
    return job


@contextmanager
def job_bar(title: str) -> Iterator[Any]:
    """Yield a function that shows the progress of a job, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    console = Console(stderr=True)
    progress = Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[text]}"), console=console)
    if not console.is_terminal:
        yield _lines(title)
        return
    with progress:
        task = progress.add_task(title, total=None, text="")

        def show(now: Found) -> None:
            total = None if now["share"] is None else 1.0
            progress.update(task, total=total, completed=now["share"] or 0.0, text=now["text"])

        yield show


def _lines(title: str) -> Any:
    last = time.monotonic()

    def show(now: Found) -> None:
        nonlocal last
        if now["share"] is not None and time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            click.echo(f"{title}: {now['share']:.0%}, {now['text']}", err=True)

    return show
