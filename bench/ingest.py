"""How many events per second does the write side make durable, in Kafka and in the embedded log?

And what does redaction cost? Two services, with and without detection, take short turns with the same requests. Events
are realistic; one in two hundred holds a secret.
"""

import contextlib
import sys
from collections.abc import Iterator
from functools import partial

import uvloop

from bench.kafka import broker_topic, log_url
from bench.load import Generator, Sent
from bench.population import BATCH
from bench.question import ROUNDS, BenchQuestion, Figure, Report, Turn, figure, figures_of, in_turns, percentile
from bench.services import Service, http_service, process, temporary_folder, wait_until_ready
from bench.usage import cpu_s
from ingest.log.kafka import KafkaTopic
from runtime.services.ports import free_port

EVENTS, WARM_UP_EVENTS = 300_000, 50_000
TURN_EVENTS, TURNS = 25_000, 20
SHARE_MAX = 0.10


def send_events(service: Service, events: int, report: Report, batch: int = BATCH) -> Sent:
    """Create sessions and send ``events`` events, ``batch`` in a request, as fast as possible."""
    generator = Generator(service.target, events, batch)
    uvloop.run(generator.create_sessions())
    before = cpu_s(service.pid)
    load = uvloop.run(generator.run(report=report))
    return Sent(load, load.seconds, cpu_s(service.pid) - before)


@contextlib.contextmanager
def ingest_into_sqlite(*options: str) -> Iterator[Service]:
    """Run `bench.ingest_server` with a new log; yields when it is ready."""
    with temporary_folder() as folder:
        port = free_port()
        command = [sys.executable, "-m", "bench.ingest_server", str(folder), str(port), *options]
        with process(command, folder / "ingest.log") as server:
            yield wait_until_ready(server, folder, port)


@contextlib.contextmanager
def ingest_into_kafka() -> Iterator[tuple[Service, KafkaTopic]]:
    """Run a broker and an ingest process; yields when it is ready."""
    with (
        temporary_folder() as folder,
        broker_topic(folder) as topic,
        http_service(folder, "ingest", {"LOG_URL": log_url(topic), "DEV_TOKENS": "1"}) as service,
    ):
        yield service, topic


def _measure_sqlite(report: Report) -> list[Figure]:
    with ingest_into_sqlite() as service:
        return _measure("ingest_sqlite", service, report)


def _measure_kafka(report: Report) -> list[Figure]:
    with ingest_into_kafka() as (service, _):
        return _measure("ingest_kafka", service, report)


def _measure(name: str, service: Service, report: Report) -> list[Figure]:
    """Warm up, then measure rounds over the same service."""
    send_events(service, WARM_UP_EVENTS, report)
    sent = [send_events(service, EVENTS, report) for _ in range(ROUNDS)]
    return [
        *figures_of(name, [each.turn for each in sent]),
        *(
            figure(f"{name} p{share}", [percentile(each.load.latencies, share / 100) * 1e3 for each in sent], "ms")
            for share in (50, 99)
        ),
    ]


def _measure_redaction(report: Report) -> list[Figure]:
    with ingest_into_sqlite("with") as redacting, ingest_into_sqlite("without") as plain:
        sides = {"with": partial(_turn, redacting, report), "without": partial(_turn, plain, report)}
        for side in sides.values():
            side()
        turns = in_turns(sides, report, TURNS)
    rounds = list(zip(turns["with"], turns["without"], strict=True))
    lost = [1 - redacted.rate / as_sent.rate for redacted, as_sent in rounds]
    dearer = [redacted.cpu_us / as_sent.cpu_us - 1 for redacted, as_sent in rounds]
    return [
        *(
            figure(f"ingest {side} redaction", [each.rate for each in found], "events/s")
            for side, found in turns.items()
        ),
        figure("redaction_cost of throughput", lost, "share", at_most=SHARE_MAX),
        figure("redaction_cost of processor time", dearer, "share", at_most=SHARE_MAX),
    ]


def _turn(service: Service, report: Report) -> Turn:
    return send_events(service, TURN_EVENTS, report).turn


QUESTIONS = (
    BenchQuestion("ingest_sqlite", "HTTP → SQLite, 32 connections, 100 events a request", _measure_sqlite),
    BenchQuestion("ingest_kafka", "HTTP → Kafka, 32 connections, 100 events a request", _measure_kafka),
    BenchQuestion("redaction_cost", "HTTP → SQLite, with and without redaction, in turns", _measure_redaction),
)
