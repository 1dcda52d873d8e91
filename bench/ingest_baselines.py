"""How does the write side compare with a bare route, and with what Kafka's own load tool makes of the same bytes?

Both services append to one broker, a topic each, and take turns with the same requests of 100, 10 and 1 events.
"""

import asyncio
import re
import subprocess
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from time import time_ns

from bench.harness import BenchQuestion, Figure, Report, of_rounds, without_mark
from bench.ingest import send
from bench.kafka import broker_topic, create_topic, log_url, make_records
from bench.load import Target
from bench.payloads import BATCH, make_scripts
from bench.prototype import prototype_ingesting
from bench.rounds import ROUNDS, Turn, compare, figures_of, in_turns
from bench.services import http_service, temporary_folder
from devstack.kafka_jars import jars
from ingest.log.kafka import KafkaTopic
from schemas.log.codec import encode
from schemas.log.records import EventsRecorded

NAME = "ingest_vs_prototype"
EVENTS = {100: 200_000, 10: 60_000, 1: 10_000}  # a turn, by events a request
WANTED = {100: 0.7, 10: 0.8, 1: 0.85}
WARM_UP_SHARE = 0.2
PERF_RECORDS, PERF_VALUES = 5_000, 500
PERF_LIMIT_S = 240
_PERF_RATE = re.compile(r"([\d.]+) records/sec")


def _measure(report: Report) -> list[Figure]:
    """Measure both with each size of request."""
    with temporary_folder() as folder, broker_topic(folder) as topic:
        other = asyncio.run(create_topic(topic, "prototype"))
        env = {"LOG_URL": log_url(topic), "DEV_TOKENS": "1"}
        with (
            http_service(folder, "ingest", env) as (ours, our_target),
            prototype_ingesting(folder, other) as (prototype, prototype_target),
        ):
            found: list[Figure] = []
            for batch in EVENTS:
                sides = {"ours": (our_target, ours.pid), "prototype": (prototype_target, prototype.pid)}
                found += _measure_size(batch, sides, report)
    return found


def _measure_size(batch: int, services: dict[str, tuple[Target, int]], report: Report) -> list[Figure]:
    events = EVENTS[batch]
    for target, pid in services.values():
        send(target, pid, round(events * WARM_UP_SHARE), report, batch)

    def measure(target: Target, pid: int) -> Turn:
        return send(target, pid, events, report, batch).turn

    sides: dict[str, Callable[[], Turn]] = {side: partial(measure, *service) for side, service in services.items()}
    turns = in_turns(sides, report)
    name = f"{NAME}_{batch}"
    return [
        *(figure for side, found in turns.items() for figure in figures_of(f"{name} {side}", found)),
        *compare(name, turns["ours"], turns["prototype"], "a bare route", WANTED[batch]),
    ]


def _measure_producer(report: Report) -> list[Figure]:
    """Send records as ours makes them with Kafka's tool: what the broker takes from a client that does nothing else."""
    with temporary_folder() as folder, broker_topic(folder) as topic:
        other, file = asyncio.run(create_topic(topic, "perf")), folder / "values"
        values = [encode(record) for record in islice(_event_records(), PERF_VALUES)]
        file.write_bytes(b"\n".join(values))
        rates = []
        for number in range(ROUNDS):
            report(f"round {number + 1} of {ROUNDS}")
            rates.append(_run_producer(other, file) * BATCH)
        mean_bytes = sum(map(len, values)) / len(values)
    return [
        of_rounds("kafka_producer events/s", rates, "events/s"),
        without_mark("kafka_producer bytes a record", mean_bytes, "B"),
    ]


def _event_records() -> "filter[EventsRecorded]":
    records = make_records(make_scripts(), PERF_VALUES * BATCH, time_ns() // 1_000_000)
    return filter(lambda record: isinstance(record, EventsRecorded), records)  # type: ignore[arg-type]


def _run_producer(topic: KafkaTopic, values: Path) -> float:
    """Return records a second."""
    options = {"acks": "all", "compression.type": "zstd", "linger.ms": 5, "batch.size": 1 << 20}
    settings = [f"bootstrap.servers={topic.bootstrap}", *(f"{name}={value}" for name, value in options.items())]
    words = ["--topic", topic.name, "--num-records", str(PERF_RECORDS), "--throughput", "-1"]
    tool = ["-cp", f"{jars.jars()}/*", "org.apache.kafka.tools.ProducerPerformance"]
    command = [jars.java(), "-Xmx512m", *tool, *words, "--payload-file", str(values), "--producer-props", *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PERF_LIMIT_S, check=False)
    rates = _PERF_RATE.findall(done.stdout)
    if done.returncode != 0 or not rates:
        output = (done.stdout + done.stderr)[-800:]
        raise RuntimeError(f"kafka-producer-perf-test ended with {done.returncode}: {output}")
    return float(rates[-1])


QUESTIONS = (
    BenchQuestion(NAME, "HTTP → Kafka: ours and a bare route, 100, 10 and 1 events a request", _measure),
    BenchQuestion("kafka_producer", "kafka-producer-perf-test with the same records", _measure_producer),
)
