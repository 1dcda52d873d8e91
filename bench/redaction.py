"""What does redaction cost the write side?

The service as it is, and one whose detection sees nothing, run beside one another and take short turns with the same
requests, so that whatever else the machine does happens to both. Realistic events, of which one in two hundred has a
secret.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator

from msgspec import Struct

from bench.harness import Question, Result, Say, at_most, plain
from bench.ingest import load_of
from bench.load import ORG, Target
from bench.services import HOST, NOTHING_SET, STOP_S, TTL_S, cpu_s, temporary_folder, wait_until
from deploy.devstack.stack import answers_200
from deploy.devstack.supervisor.process import Process
from edge.tokens import issue_token
from kernel.ports import free_port
from runtime.secrets import token_key

EVENTS = 25_000  # a turn
TURNS = 20
SHARE_MAX = 0.10


class _Service(Struct):
    """One of the two, and what it has done so far."""

    target: Target
    pid: int
    events: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0

    def take_turn(self, say: Say) -> None:
        before = cpu_s(self.pid)
        load = load_of(self.target, EVENTS, say)
        self.processor_s += cpu_s(self.pid) - before
        self.events += load.accepted
        self.seconds += load.seconds

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cost(self) -> float:
        return self.processor_s / self.events


def measure(say: Say) -> list[Result]:
    """With and without, in turns; the first turn of each warms it up and is forgotten."""
    with _running("with") as redacting, _running("without") as blind:
        for service in (redacting, blind):
            service.take_turn(say)
            service.events, service.seconds, service.processor_s = 0, 0.0, 0.0
        for turn in range(TURNS):
            for service in (redacting, blind) if turn % 2 else (blind, redacting):
                service.take_turn(say)
        return [
            plain("ingest with redaction", redacting.rate, "events/s"),
            plain("ingest without redaction", blind.rate, "events/s"),
            at_most("redaction_cost of throughput", 1 - redacting.rate / blind.rate, "share", SHARE_MAX),
            at_most("redaction_cost of processor time", redacting.cost / blind.cost - 1, "share", SHARE_MAX),
        ]


@contextlib.contextmanager
def _running(how: str) -> Iterator[_Service]:
    with temporary_folder() as folder:
        port = free_port()
        command = [sys.executable, "-m", "bench.ingest_redacting", how, str(folder), str(port)]
        process = Process(command, NOTHING_SET, folder / "ingest.log", signal.SIGKILL)
        try:
            wait_until(lambda: answers_200(HOST, port, "/livez"), process, folder)
            token = issue_token(token_key(folder / "secrets"), "bench", ORG, "admin", TTL_S, time.time())
            yield _Service(Target(HOST, port, token), process.pid)
        finally:
            process.stop(signal.SIGTERM, STOP_S)


QUESTION = Question("redaction_cost", "HTTP → SQLite, with and without redaction, in turns", measure)
