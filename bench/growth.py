"""What does one more record cost a projector when orgs, hours and sessions grow?

The real pipeline over the engine in its process, and the loop of the rollups beside it. A batch has 800 records of one
event; the figure is processor time, of all threads, since a slow machine that waits is not a cost.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec

from bench.harness import BenchQuestion, Figure, Report, at_most, of_rounds, without_mark
from bench.services import in_own_process, temporary_folder
from processors.dead_letter_limit import DeadLetterLimit
from processors.observer import Observers
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.rollups import Target
from processors.state_cache import StateCache
from runtime.projector import make_warehouse
from runtime.provision import provision_store
from runtime.settings import Settings
from runtime.store_url import parse_store_url
from schemas.ids import IdSecrets, mint, new_thread
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, Event, EventsRecorded
from schemas.log.topics import record_key
from schemas.pricing.price_list import list_prices
from store.generations import FIRST_GENERATION

BATCH_RECORDS, WARM_UP, BATCHES, ROUNDS = 800, 4, 40, 3
HOUR_MS = 3_600_000
RATIO_MARK = 1.3
_KEYS = IdSecrets((b"k" * 32,), b"s" * 32)
_DATA = msgspec.Raw(b'{"prompt":"Please fix the failing test of the billing module."}')


class Shape(NamedTuple):
    """``sessions`` of so many ``orgs``, which start in so many ``hours``."""

    orgs: int = 1
    hours: int = 1
    sessions: int = 10_000


CURVES = {
    "orgs": [Shape(orgs=orgs) for orgs in (1, 10, 100, 1_000, 10_000)],
    "hours": [Shape(hours=hours) for hours in (1, 24, 168, 720)],
    "sessions an hour": [Shape(sessions=sessions) for sessions in (100, 1_000, 10_000, 50_000)],
}
CURVE_NAME = "growth_curves"
SMALL = {"orgs": Shape(), "hours": Shape(), "sessions an hour": Shape(sessions=100)}
LARGE = {"orgs": Shape(orgs=10_000), "hours": Shape(hours=720), "sessions an hour": Shape(sessions=50_000)}


class NoLog:
    """A log that is not read: nothing is missing."""

    async def ends(self) -> Sequence[int]:
        raise NotImplementedError

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        raise NotImplementedError


def cost_of(folder: str, shape: Shape) -> float:
    """Return the processor time of a record, in µs, for a new store in ``folder``."""
    store = parse_store_url(f"chdb://{folder}/store")
    provision_store(store, 1, list_prices())
    warehouse = make_warehouse(store, FIRST_GENERATION)
    cache = StateCache(Settings().cache_bytes_max)
    planner = Planner(warehouse, cache, Pricing(warehouse), 1, DeadLetterLimit(0.9))
    return asyncio.run(_project(Pipeline(warehouse, NoLog(), planner, cache, Observers()), shape))


async def _project(pipeline: Pipeline, shape: Shape) -> float:
    def written() -> Mapping[int, Target]:
        return {partition: Target(offset, 1) for partition, offset in pipeline.written.items()}

    await pipeline.resume(0, 0)
    following = asyncio.create_task(pipeline.rollups.run(written))
    batches = _batches(shape)
    for _ in range(ceil(shape.sessions / BATCH_RECORDS) + WARM_UP):
        await pipeline.project(next(batches))
    await pipeline.drain()
    begun = time.process_time()
    for _ in range(BATCHES):
        await pipeline.project(next(batches))
    await pipeline.drain()
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await pipeline.rollups.refresh(pipeline.rollups.due(written()))
    return (time.process_time() - begun) / (BATCHES * BATCH_RECORDS) * 1e6


def _batches(shape: Shape) -> Iterator[list[LogRecord]]:
    """Yield batches: first each session once, then any of them."""
    chance, offset = random.Random(1), 0  # noqa: S311 (made-up load)
    now_ms = time.time_ns() // 1_000_000
    orgs = [f"org{number % shape.orgs}" for number in range(shape.sessions)]
    sessions = [(org, mint(_KEYS, "session", org, new_thread(None), False, None)) for org in orgs]
    while True:
        batch = []
        for _ in range(BATCH_RECORDS):
            number = offset if offset < shape.sessions else chance.randrange(shape.sessions)
            at = now_ms - number % shape.hours * HOUR_MS
            batch.append(_record(offset, *sessions[number], at))
            offset += 1
        yield batch


def _record(offset: int, org: str, session: UUID, at: int) -> LogRecord:
    record = EventsRecorded(
        v=1,
        record_id=uuid4(),
        org_id=org,
        session_id=session,
        actor=Actor("alice", "member"),
        received_at=at,
        events=(Event(uuid4(), "UserPromptSubmit", at, _DATA),),
    )
    return LogRecord(0, offset, record_key(session), encode(record), at)


def _measure_curves(report: Report) -> list[Figure]:
    """Measure every point of every curve in turns; `bench.plots` draws them."""
    points = [(name, size_of(name, shape), shape) for name, shapes in CURVES.items() for shape in shapes]
    costs: dict[tuple[str, int], list[float]] = {(name, size): [] for name, size, _ in points}
    for number in range(ROUNDS):
        for name, size, shape in points:
            report(f"round {number + 1} of {ROUNDS}: {name} {size:,}")
            with temporary_folder() as folder:
                costs[name, size].append(in_own_process(cost_of, str(Path(folder)), shape))
    return [of_rounds(f"{CURVE_NAME} {name}: {size}", found, "µs") for (name, size), found in costs.items()]


def size_of(name: str, shape: Shape) -> int:
    """Return the number that a curve varies."""
    return {"orgs": shape.orgs, "hours": shape.hours, "sessions an hour": shape.sessions}[name]


def _measure(report: Report) -> list[Figure]:
    """Measure small and large in turns, since timings move."""
    figures = []
    for name, small in SMALL.items():
        costs: dict[Shape, list[float]] = {small: [], LARGE[name]: []}
        for number in range(ROUNDS):
            for shape, found in costs.items():
                report(f"{name}, round {number + 1} of {ROUNDS}: {shape}")
                with temporary_folder() as folder:
                    found.append(in_own_process(cost_of, str(Path(folder)), shape))
        one, many = (median(found) for found in costs.values())
        figures.append(without_mark(f"cost_growth {name}: a record with few", one, "µs"))
        figures.append(without_mark(f"cost_growth {name}: a record with many", many, "µs"))
        figures.append(at_most(f"cost_growth {name}: many / few", many / one, "times", RATIO_MARK))
    return figures


QUESTIONS = (
    BenchQuestion("cost_growth", "processor time of a record as orgs, hours, sessions grow", _measure),
    BenchQuestion(CURVE_NAME, "the same over several sizes, as curves", _measure_curves, only_by_name=True),
)
