"""How long do clients wait that do not wait for each other?

Requests are due at fixed times, whatever became of the earlier ones, and a latency counts from when its request was
due. A generator that sends the next request after the last response would pause with the service, and hide every
stall from its own figures (coordinated omission). Rates are shares of what the same service took when flooded.
"""

from collections.abc import Sequence

import uvloop

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.ingest import send
from bench.kafka import broker_topic, log_url
from bench.load import Generator, Target, percentile
from bench.payloads import BATCH
from bench.services import http_service, temporary_folder

NAME = "open_loop"
FLOOD_EVENTS, WARM_UP_EVENTS = 150_000, 50_000
SHARES, SECONDS = (0.25, 0.5, 0.75), 20
CONNECTIONS = 256  # so many requests may wait for their responses before one waits for a connection
LATE_MAX = 0.05
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def _measure(report: Report) -> list[Figure]:
    """Flood the service to learn its capacity, then send at fixed rates."""
    with (
        temporary_folder() as folder,
        broker_topic(folder) as topic,
        http_service(folder, "ingest", {"LOG_URL": log_url(topic), "DEV_TOKENS": "1"}) as (server, target),
    ):
        send(target, server.pid, WARM_UP_EVENTS, report)
        capacity = send(target, server.pid, FLOOD_EVENTS, report).load.rate
        figures = [without_mark(f"{NAME} flooded", capacity, "events/s")]
        for share in SHARES:
            figures += _measure_at(share, capacity, target, report)
    return figures


def _measure_at(share: float, capacity: float, target: Target, report: Report) -> list[Figure]:
    rate = capacity * share
    events = round(rate * SECONDS / BATCH) * BATCH
    generator = Generator(target, events, connections=CONNECTIONS)
    load = uvloop.run(generator.run(rate, lambda text: report(f"{share:.0%} of capacity: {text}")))
    name = f"{NAME} at {share:.0%}"
    return [*_waits(name, load.latencies), at_most(f"{name} sent late", 1 - load.rate / rate, "share", LATE_MAX)]


def _waits(name: str, latencies: Sequence[float]) -> list[Figure]:
    return [
        *(without_mark(f"{name} {p}", percentile(latencies, share) * 1e3, "ms") for p, share in PERCENTILES.items()),
        without_mark(f"{name} longest", max(latencies) * 1e3, "ms"),
    ]


QUESTIONS = (BenchQuestion(NAME, "HTTP → Kafka at fixed rates: latency from when a request was due", _measure),)
