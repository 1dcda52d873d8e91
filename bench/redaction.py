"""What does redaction cost the write side?

Two services, with and without detection, take short turns with the same requests: other load on the machine affects
both. Events are realistic; one in two hundred holds a secret.
"""

import contextlib
from collections.abc import Iterator

from msgspec import Struct

from bench.harness import Question, Report, Result, at_most, plain
from bench.ingest import ingest_server, send
from bench.load import Target
from bench.services import cpu_s, temporary_folder

EVENTS = 25_000  # a turn
TURNS = 20
SHARE_MAX = 0.10


class _Service(Struct):
    """One of the two, and the totals of its turns."""

    target: Target
    pid: int
    events: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0

    def take_turn(self, report: Report) -> None:
        before = cpu_s(self.pid)
        load = send(self.target, EVENTS, report)
        self.processor_s += cpu_s(self.pid) - before
        self.events += load.accepted
        self.seconds += load.seconds

    def warm_up(self, report: Report) -> None:
        self.take_turn(report)
        self.events, self.seconds, self.processor_s = 0, 0.0, 0.0

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cost(self) -> float:
        return self.processor_s / self.events


def _measure(report: Report) -> list[Result]:
    """Measure both in turns, after one uncounted turn each."""
    with _running("with") as redacting, _running("without") as plain_service:
        for service in (redacting, plain_service):
            service.warm_up(report)
        for turn in range(TURNS):
            for service in (redacting, plain_service) if turn % 2 else (plain_service, redacting):
                service.take_turn(report)
        return [
            plain("ingest with redaction", redacting.rate, "events/s"),
            plain("ingest without redaction", plain_service.rate, "events/s"),
            at_most("redaction_cost of throughput", 1 - redacting.rate / plain_service.rate, "share", SHARE_MAX),
            at_most("redaction_cost of processor time", redacting.cost / plain_service.cost - 1, "share", SHARE_MAX),
        ]


@contextlib.contextmanager
def _running(redaction: str) -> Iterator[_Service]:
    with temporary_folder() as folder, ingest_server(folder, redaction) as (server, target):
        yield _Service(target, server.pid)


QUESTIONS = (Question("redaction_cost", "HTTP → SQLite, with and without redaction, in turns", _measure),)
