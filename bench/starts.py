"""What does a start cost, from the command to the first answer and until it is ready?

`AGAINST=/path/to/a/checkout` measures that version in turns with ours, with the packages of this environment.
`START_EVENTS` is how many events the filled folder has, `START_ROUNDS` how often each version starts.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.end_to_end import send_and_wait
from bench.harness import BenchQuestion, Figure, Report, of_rounds
from bench.services import http_service, process, temporary_folder, tree_cpu_s, wait_until
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port

EVENTS = int(os.environ.get("START_EVENTS", "500000"))
ROUNDS = int(os.environ.get("START_ROUNDS", "5"))
POLL_S = 0.02
HOST = "127.0.0.1"
OURS, AGAINST = Path(__file__).parents[1], os.environ.get("AGAINST")


class Start(NamedTuple):
    """Seconds to the first answer and to readiness, and the processor seconds of all processes until then."""

    answer_s: float
    ready_s: float
    processor_s: float


def start(checkout: Path, command: str, folder: Path) -> Start:
    """Start `up` or `stack` of a checkout on a folder, and stop it when it is ready."""
    port, began = free_port(), time.monotonic()
    arguments = [sys.executable, "-P", "-m", "cli", command, "--data", str(folder), "--port", str(port)]
    env = {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": ""}
    with process(arguments, folder / f"{command}.out", env) as running:
        wait_until(lambda: _answers(port), running, folder, poll_s=POLL_S)
        answered = time.monotonic()
        wait_until(lambda: answers_200(HOST, port, "/readyz"), running, folder, poll_s=POLL_S)
        return Start(answered - began, time.monotonic() - began, tree_cpu_s(running.pid))


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
            return start(checkout, "up", folder)

    return _in_turns("start_up", once, report)


def _measure_filled(report: Report) -> list[Figure]:
    """Start `up` on a folder whose events are all projected."""
    with temporary_folder() as folder:
        with http_service(folder, "up") as (_, target):
            uvloop.run(send_and_wait(target, EVENTS, report))
        return _in_turns("start_up_filled", lambda checkout: start(checkout, "up", folder), report)


def _measure_stack(report: Report) -> list[Figure]:
    """Start `stack` on a folder where it has run before."""
    with temporary_folder() as folder:
        start(OURS, "stack", folder)
        return _in_turns("start_stack", lambda checkout: start(checkout, "stack", folder), report)


def _in_turns(name: str, once: Callable[[Path], Start], report: Report) -> list[Figure]:
    sides = {"": OURS} | ({" against": Path(AGAINST)} if AGAINST else {})
    starts: dict[str, list[Start]] = {side: [] for side in sides}
    once(OURS)  # the files are in memory, and the rules in the cache
    for number in range(ROUNDS):
        for side in sides if number % 2 == 0 else reversed([*sides]):
            report(f"{name}, round {number + 1} of {ROUNDS}{side}")
            starts[side].append(once(sides[side]))
    return [
        of_rounds(f"{name}{side} {what}", [getattr(each, field) for each in found], "s")
        for side, found in starts.items()
        for field, what in (("answer_s", "first answer"), ("ready_s", "ready"), ("processor_s", "processor time"))
    ]


QUESTIONS = (
    BenchQuestion("start_up", "a start of `up` on a new folder", _measure_new),
    BenchQuestion("start_up_filled", "a start of `up` with 500,000 events", _measure_filled, only_by_name=True),
    BenchQuestion("start_stack", "a start of `stack`, broker and all", _measure_stack, only_by_name=True),
)
