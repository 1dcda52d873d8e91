"""How many log records per second does an installation take from exporters, in JSON and in protobuf?

A client sends the requests of `otlp_payloads.py` on several connections; the two encodings take turns in one run. `up`
projects the records meanwhile, on the same cores.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from random import Random
from time import perf_counter
from uuid import UUID

import uvloop
from msgspec import structs

from bench.api import Response, UnexpectedResponse, request_head
from bench.ingest import ingest_into_sqlite
from bench.load import send_all
from bench.otlp_payloads import RECORDS, request_body
from bench.question import BenchQuestion, Figure, Report, Turn, figure, figures_of, in_turns, percentile
from bench.services import Service, installation
from bench.usage import cpu_s

RECORDS_MARK = 5_000
CONNECTIONS = 12
REQUESTS, LENGTH = 300, 10  # requests in a turn, and of a session
MEDIA = {"json": "application/json", "protobuf": "application/x-protobuf"}


def _measure(name: str, running: AbstractContextManager[Service], mark: float | None, report: Report) -> list[Figure]:
    """Warm up, then measure both encodings in turns over the same service."""
    latencies: dict[str, list[float]] = {encoding: [] for encoding in MEDIA}
    seeds = itertools.count()
    with running as service:
        sides = {encoding: partial(_turn, service, encoding, seeds, latencies[encoding]) for encoding in MEDIA}
        for side in sides.values():
            side()
        turns = in_turns(sides, report)
    return [
        one
        for encoding in MEDIA
        for one in (
            *map(_of_records, figures_of(f"{name} {encoding}", turns[encoding], mark)),
            figure(f"{name} {encoding} p99 of a request", percentile(latencies[encoding], 0.99) * 1e3, "ms"),
        )
    ]


def _of_records(one: Figure) -> Figure:
    """Return a figure about events as one about records."""
    unit, name = one.unit.replace("event", "record"), one.name.replace("events/s", "records/s")
    return structs.replace(one, unit=unit, name=name)


def _turn(service: Service, encoding: str, seeds: Iterator[int], latencies: list[float]) -> Turn:
    """Send all requests of a turn, which are built before; the processor time is that of the service."""
    bodies = _bodies(next(seeds), encoding)
    before, began = cpu_s(service.pid), perf_counter()
    head = partial(request_head, service.target, "POST", "/otlp/v1/logs", media=MEDIA[encoding])
    requests = ((head(len(body)), body) for body in bodies)
    latencies += uvloop.run(send_all(service.target, requests, _check_all_taken, connections=CONNECTIONS))
    seconds, records = perf_counter() - began, len(bodies) * RECORDS
    return Turn(records / seconds, (cpu_s(service.pid) - before) / records * 1e6)


def _check_all_taken(_: int, response: Response) -> None:
    if response.body not in (b"{}", b""):
        raise UnexpectedResponse.of(response)


def _bodies(seed: int, encoding: str) -> Sequence[bytes]:
    """Return requests of several sessions, which take turns."""
    chance = Random(seed)  # noqa: S311 (made-up data)
    sessions = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(REQUESTS // LENGTH)]
    places = itertools.product(range(LENGTH), sessions)
    return [request_body(chance, session, place * RECORDS, encoding) for place, session in places]


QUESTIONS = (
    BenchQuestion(
        "otlp_up",
        f"OTLP → `up`, {RECORDS} records a request, JSON and protobuf",
        lambda report: _measure("otlp_up", installation("up"), RECORDS_MARK, report),
    ),
    BenchQuestion(
        "otlp_sqlite",
        f"OTLP → SQLite, {RECORDS} records a request, JSON and protobuf",
        lambda report: _measure("otlp_sqlite", ingest_into_sqlite(), None, report),
    ),
)
