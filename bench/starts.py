"""What does a start of `up` on a new folder cost, from the command to the first answer and until it is ready?"""

import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from bench.figures import Figure, figure
from bench.harness import BenchQuestion, Report
from bench.services import HOST, running_service, temporary_folder, wait_until
from bench.usage import descendants_cpu_s
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port

ROUNDS = 5
POLL_S = 0.02


class Start(NamedTuple):
    """Seconds to the first answer and to readiness, and the processor seconds of all processes until then."""

    answer_s: float
    ready_s: float
    processor_s: float


def _start() -> Start:
    with temporary_folder() as folder:
        port, used, began = free_port(), descendants_cpu_s(), time.monotonic()
        with running_service(folder, "up", "--port", str(port), env={"PYTHONDONTWRITEBYTECODE": ""}) as running:
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


def _measure(report: Report) -> list[Figure]:
    """Start it once so that its files are in memory and its rules in their cache, then measure rounds."""
    _start()
    starts = []
    for number in range(ROUNDS):
        report(f"round {number + 1} of {ROUNDS}")
        starts.append(_start())
    return [
        figure("start_up first answer", [each.answer_s for each in starts], "s"),
        figure("start_up ready", [each.ready_s for each in starts], "s"),
        figure("start_up processor time", [each.processor_s for each in starts], "s"),
    ]


QUESTIONS = (BenchQuestion("start_up", "a start of `up` on a new folder", _measure),)
