"""How does the write side compare with a bare route?

Both services append to one broker, each to its own topic, and take turns with the same requests of 100, 10 and 1
events.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from bench.figures import Figure
from bench.harness import BenchQuestion, Report
from bench.ingest import ingest_into_kafka, send_events
from bench.kafka import create_topic
from bench.prototype import prototype_ingesting
from bench.rounds import Turn, compare, figures_of_sides, in_turns
from bench.services import Service

NAME = "ingest_vs_prototype"
EVENTS = {100: 200_000, 10: 60_000, 1: 10_000}  # a turn, by events per request
WANTED = {100: 0.7, 10: 0.8, 1: 0.85}
WARM_UP_SHARE = 0.2


def _measure(report: Report) -> list[Figure]:
    """Measure both with each size of request."""
    with ingest_into_kafka() as (ours, topic):
        other = asyncio.run(create_topic(topic, "prototype"))
        with prototype_ingesting(ours.folder, other) as prototype:
            services = {"ours": ours, "prototype": prototype}
            return [one for batch in EVENTS for one in _measure_size(batch, services, report)]


def _measure_size(batch: int, services: Mapping[str, Service], report: Report) -> list[Figure]:
    def measure(service: Service, events: int) -> Turn:
        return send_events(service, events, report, batch).turn

    for service in services.values():
        measure(service, round(EVENTS[batch] * WARM_UP_SHARE))
    sides: dict[str, Callable[[], Turn]] = {
        side: partial(measure, service, EVENTS[batch]) for side, service in services.items()
    }
    turns, name = in_turns(sides, report), f"{NAME}_{batch}"
    return [
        *figures_of_sides(name, turns),
        *compare(name, turns["ours"], turns["prototype"], "a bare route", WANTED[batch]),
    ]


QUESTIONS = (BenchQuestion(NAME, "HTTP → Kafka: ours and a bare route, 100, 10 and 1 events a request", _measure),)
