"""What does a start of `up` cost, from the command to the first answer and until it is ready?

`AGAINST=/path/to/a/checkout` measures that version in turns with ours, with the packages of this environment.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

from bench.end_to_end import send_until_visible
from bench.question import BenchQuestion, Figure, Report, figure, in_turns
from bench.services import HOST, http_service, running_service, temporary_folder, wait_until
from bench.usage import descendants_cpu_s
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port

OURS, AGAINST = Path(__file__).parents[1], os.environ.get("AGAINST")
EVENTS, ROUNDS = 500_000, 5
POLL_S = 0.02


class Start(NamedTuple):
    """Seconds to the first answer and to readiness, and the processor seconds of all processes until then."""

    answer_s: float
    ready_s: float
    processor_s: float


def _start(checkout: Path, folder: Path) -> Start:
    """Start `up` of a checkout on a folder, and stop it when it is ready."""
    port, used, began = free_port(), descendants_cpu_s(), time.monotonic()
    env = {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": ""}
    with running_service(folder, "up", "--port", str(port), env=env) as running:
        wait_until(lambda: _answers(port), running, folder, poll_s=POLL_S)
        answered = time.monotonic()
        wait_until(lambda: answers_200(HOST, port, "/readyz"), running, folder, poll_s=POLL_S)
        return Start(answered - began, time.monotonic() - began, descendants_cpu_s() - used)


def _answers(port: int) -> bool:
    """Return whether a request gets any answer."""
    with closing(HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/livez")
            return bool(connection.getresponse().status)
        except (OSError, HTTPException):
            return False


def _measure_new(report: Report) -> list[Figure]:
    """Start `up` on a new folder."""

    def once(checkout: Path) -> Start:
        with temporary_folder() as folder:
            return _start(checkout, folder)

    return _in_turns("start_up", once, report)


def _measure_filled(report: Report) -> list[Figure]:
    """Start `up` on a folder whose events are all projected."""
    with temporary_folder() as folder:
        with http_service(folder, "up") as service:
            send_until_visible(service.target, EVENTS, report)
        return _in_turns("start_up_filled", lambda checkout: _start(checkout, folder), report)


def _in_turns(name: str, once: Callable[[Path], Start], report: Report) -> list[Figure]:
    """Measure rounds, after one start that leaves the files in memory and the rules in their cache."""
    once(OURS)
    versions = {"": OURS} | ({" against": Path(AGAINST)} if AGAINST else {})
    starts = in_turns({version: partial(once, checkout) for version, checkout in versions.items()}, report, ROUNDS)
    return [
        figure(f"{name}{version} {what}", [getattr(each, field) for each in found], "s")
        for version, found in starts.items()
        for field, what in (("answer_s", "first answer"), ("ready_s", "ready"), ("processor_s", "processor time"))
    ]


QUESTIONS = (
    BenchQuestion("start_up", "a start of `up` on a new folder", _measure_new),
    BenchQuestion("start_up_filled", "a start of `up` with 500,000 events", _measure_filled, only_by_name=True),
)
