"""What does one more record cost a projector when orgs, hours and sessions grow?

The real pipeline over the engine in its process, and the loop of the rollups beside it. A batch has 800 records of one
event; the figure is processor time, of all threads, since a slow machine that waits is not a cost.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import msgspec

from bench.harness import BenchQuestion, Figure, Report, at_most, of_rounds, without_mark
from bench.in_process import events_record, open_in_process, provision
from bench.services import in_own_process, temporary_folder
from processors.marks.rollups import Target
from processors.pipeline import Pipeline
from runtime.settings.settings import Settings
from schemas.ids import IdSecrets, mint, new_thread
from schemas.log.position import LogRecord
from schemas.log.records import Event

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


def cost_of(folder: str, shape: Shape) -> float:
    """Return the processor time of a record, in µs, for a new store in ``folder``."""
    provision(folder)
    return asyncio.run(_project(open_in_process(folder, Settings().cache_bytes_max).pipeline, shape))


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
            event = Event(uuid4(), "UserPromptSubmit", at, _DATA)
            batch.append(events_record(offset, *sessions[number], at, [event]))
            offset += 1
        yield batch


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
