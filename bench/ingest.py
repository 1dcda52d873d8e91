"""How many events a second does the write side make durable, in Kafka and in the embedded log?"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench.harness import Question, Report, Result, plain
from bench.kafka import kafka_topic, log_url
from bench.load import Generator, Load, Target, percentile
from bench.payloads import make_scripts
from bench.services import cpu_s, http_service, process, temporary_folder, wait_until_live
from deploy.devstack.supervisor.process import Process
from kernel.ports import free_port

EVENTS = 500_000


def _measure_sqlite(report: Report) -> list[Result]:
    """Measure one process: HTTP and one SQLite file."""
    with temporary_folder() as folder, ingest_server(folder) as (server, target):
        return _measure("ingest_sqlite", target, server.pid, report)


def _measure_kafka(report: Report) -> list[Result]:
    """Measure one ingest process and one broker."""
    with (
        temporary_folder() as folder,
        kafka_topic(folder) as topic,
        http_service(folder, "ingest", {"LOG_URL": log_url(topic), "DEV_TOKENS": "1"}) as (server, target),
    ):
        return _measure("ingest_kafka", target, server.pid, report)


@contextlib.contextmanager
def ingest_server(folder: Path, *options: str) -> Iterator[tuple[Process, Target]]:
    """Run `bench.ingest_server`; yields when it answers."""
    port = free_port()
    command = [sys.executable, "-m", "bench.ingest_server", str(folder), str(port), *options]
    with process(command, folder / "ingest.log") as server:
        yield server, wait_until_live(server, folder, port)


def send(target: Target, events: int, report: Report) -> Load:
    """Create sessions and send ``events`` events as fast as possible."""

    async def run() -> Load:
        generator = Generator(target, make_scripts(), events)
        await generator.create()
        return await generator.run(report=report)

    return uvloop.run(run())


def _measure(name: str, target: Target, pid: int, report: Report) -> list[Result]:
    before = cpu_s(pid)
    load = send(target, EVENTS, report)
    return [
        plain(f"{name} events/s", load.rate, "events/s"),
        plain(f"{name} p50", percentile(load.latencies, 0.5) * 1e3, "ms"),
        plain(f"{name} p99", percentile(load.latencies, 0.99) * 1e3, "ms"),
        plain(f"{name} processor time", (cpu_s(pid) - before) / load.accepted * 1e6, "µs/event"),
    ]


QUESTIONS = (
    Question("ingest_sqlite", "HTTP → SQLite, 32 connections, 100 events a request", _measure_sqlite),
    Question("ingest_kafka", "HTTP → Kafka, 32 connections, 100 events a request", _measure_kafka),
)
