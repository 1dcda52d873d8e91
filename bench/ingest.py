"""How many events a second does the write side make durable, in Kafka and in the embedded log?

And what does redaction cost it? Two services, with and without detection, take short turns with the same requests:
other load on the machine affects both. Events are realistic; one in two hundred holds a secret.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop
from msgspec import Struct

from bench.harness import BenchQuestion, Figure, Report, at_most, of_rounds, without_mark
from bench.kafka import broker_topic, log_url
from bench.load import Generator, Load, Target, percentile
from bench.payloads import BATCH
from bench.rounds import ROUNDS, Turn, figures_of
from bench.services import cpu_s, http_service, process, temporary_folder, wait_until_ready
from devstack.supervisor.process import Process
from runtime.services.ports import free_port

EVENTS, WARM_UP_EVENTS = 300_000, 50_000
TURN_EVENTS = 25_000
TURNS = 20
SHARE_MAX = 0.10


def _measure_sqlite(report: Report) -> list[Figure]:
    """Measure one process: HTTP and one SQLite file."""
    with temporary_folder() as folder, ingest_server(folder) as (server, target):
        return _measure("ingest_sqlite", target, server.pid, report)


def _measure_kafka(report: Report) -> list[Figure]:
    """Measure one ingest process and one broker."""
    with (
        temporary_folder() as folder,
        broker_topic(folder) as topic,
        http_service(folder, "ingest", {"LOG_URL": log_url(topic), "DEV_TOKENS": "1"}) as (server, target),
    ):
        return _measure("ingest_kafka", target, server.pid, report)


@contextlib.contextmanager
def ingest_server(folder: Path, *options: str) -> Iterator[tuple[Process, Target]]:
    """Run `bench.ingest_server`; yields when it answers."""
    port = free_port()
    command = [sys.executable, "-m", "bench.ingest_server", str(folder), str(port), *options]
    with process(command, folder / "ingest.log") as server:
        yield server, wait_until_ready(server, folder, port)


class Sent(NamedTuple):
    """A load, and the processor time that the process at ``pid`` took for it; creating the sessions is not in it."""

    load: Load
    processor_s: float

    @property
    def turn(self) -> Turn:
        """What to compare."""
        return Turn(self.load.rate, self.processor_s / self.load.accepted * 1e6)


def send(target: Target, pid: int, events: int, report: Report, batch: int = BATCH) -> Sent:
    """Create sessions and send ``events`` events, ``batch`` a request, as fast as possible."""
    generator, before = Generator(target, events, batch), [0.0]

    def begin() -> None:
        before[0] = cpu_s(pid)

    generator.on_begin = begin
    load = uvloop.run(generator.run(report=report))
    return Sent(load, cpu_s(pid) - before[0])


def _measure(name: str, target: Target, pid: int, report: Report) -> list[Figure]:
    """Warm up, then measure rounds over the same service."""
    send(target, pid, WARM_UP_EVENTS, report)
    sent = [send(target, pid, EVENTS, report) for _ in range(ROUNDS)]
    latencies = [each.load.latencies for each in sent]
    return [
        *figures_of(name, [each.turn for each in sent]),
        of_rounds(f"{name} p50", [percentile(each, 0.5) * 1e3 for each in latencies], "ms"),
        of_rounds(f"{name} p99", [percentile(each, 0.99) * 1e3 for each in latencies], "ms"),
    ]


class _Service(Struct):
    """One of the two, and the totals of its turns."""

    target: Target
    pid: int
    events: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0

    def take_turn(self, report: Report) -> None:
        sent = send(self.target, self.pid, TURN_EVENTS, report)
        self.processor_s += sent.processor_s
        self.events += sent.load.accepted
        self.seconds += sent.load.seconds

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cost(self) -> float:
        return self.processor_s / self.events


def _measure_redaction(report: Report) -> list[Figure]:
    """Measure both in turns, after one uncounted turn each."""
    with _running("with") as redacting, _running("without") as plain_service:
        for service in (redacting, plain_service):
            send(service.target, service.pid, TURN_EVENTS, report)
        for turn in range(TURNS):
            for service in (redacting, plain_service) if turn % 2 else (plain_service, redacting):
                service.take_turn(report)
        return [
            without_mark("ingest with redaction", redacting.rate, "events/s"),
            without_mark("ingest without redaction", plain_service.rate, "events/s"),
            at_most("redaction_cost of throughput", 1 - redacting.rate / plain_service.rate, "share", SHARE_MAX),
            at_most("redaction_cost of processor time", redacting.cost / plain_service.cost - 1, "share", SHARE_MAX),
        ]


@contextlib.contextmanager
def _running(redaction: str) -> Iterator[_Service]:
    with temporary_folder() as folder, ingest_server(folder, redaction) as (server, target):
        yield _Service(target, server.pid)


QUESTIONS = (
    BenchQuestion("ingest_sqlite", "HTTP → SQLite, 32 connections, 100 events a request", _measure_sqlite),
    BenchQuestion("ingest_kafka", "HTTP → Kafka, 32 connections, 100 events a request", _measure_kafka),
    BenchQuestion("redaction_cost", "HTTP → SQLite, with and without redaction, in turns", _measure_redaction),
)
