"""What does one more record cost a projector when orgs, hours and sessions grow?

The real pipeline runs over an engine in its own process, with the loop of the rollups beside it. A batch has 800
records of one event. The figure is the processor time of all threads, which waiting on a busy machine does not change.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import ceil
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import msgspec

from bench.question import BenchQuestion, Figure, Report, figure, in_turns
from bench.services import in_own_process, temporary_folder
from prices.price_list import list_prices
from processors.marks.rollups import Target
from processors.pipeline import Pipeline
from runtime.operations.provision_store import provision_store
from runtime.services.metrics import new_registry
from runtime.services.projector import make_projector
from runtime.settings.settings import Settings
from runtime.settings.store_url import store_address
from schemas.ids import IdSecrets, mint, new_thread
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, Event, EventsRecorded
from schemas.log.topics import record_key

BATCH_RECORDS, WARM_UP, BATCHES = 800, 4, 40
HOUR_MS = 3_600_000
RATIO_MARK = 1.3
_KEYS = IdSecrets((b"k" * 32,), b"s" * 32)
_ACTOR = Actor("alice", "member")
_DATA = msgspec.Raw(b'{"prompt":"Please fix the failing test of the billing module."}')


class Shape(NamedTuple):
    """``sessions`` of ``orgs`` orgs, which start in ``hours`` different hours."""

    orgs: int = 1
    hours: int = 1
    sessions: int = 10_000


FEW_AND_MANY = {
    "orgs": (Shape(), Shape(orgs=10_000)),
    "hours": (Shape(), Shape(hours=720)),
    "sessions an hour": (Shape(sessions=100), Shape(sessions=50_000)),
}


class NoLog:
    """A log that is never read: no record is missing."""

    async def ends(self) -> Sequence[int]:
        raise NotImplementedError

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        raise NotImplementedError


def cost_of(folder: str, shape: Shape) -> float:
    """Return the processor time of a record, in µs, for a new store in ``folder``."""
    settings = Settings(store_url=f"chdb://{folder}/store")
    provision_store(store_address(settings), 1, list_prices())
    return asyncio.run(_project(make_projector(settings, NoLog(), 1, new_registry()).pipeline, shape))


async def _project(pipeline: Pipeline, shape: Shape) -> float:
    def written() -> Mapping[int, Target]:
        return {partition: Target(offset, 1) for partition, offset in pipeline.written.items()}

    await pipeline.take_over(0, 0)
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
    """Yield batches of records: first one of each session, then of random sessions."""
    chance, offset = random.Random(1), 0  # noqa: S311 (made-up load)
    now_ms = time.time_ns() // 1_000_000
    orgs = [f"org{number % shape.orgs}" for number in range(shape.sessions)]
    sessions = [(org, mint(_KEYS, "session", org, new_thread(None), False, None)) for org in orgs]
    while True:
        batch = []
        for _ in range(BATCH_RECORDS):
            number = offset if offset < shape.sessions else chance.randrange(shape.sessions)
            org, session = sessions[number]
            at = now_ms - number % shape.hours * HOUR_MS
            events = (Event(uuid4(), "UserPromptSubmit", at, _DATA),)
            record = EventsRecorded(
                v=1, record_id=uuid4(), org_id=org, session_id=session, actor=_ACTOR, received_at=at, events=events
            )
            batch.append(LogRecord(0, offset, record_key(session), encode(record), at))
            offset += 1
        yield batch


def _measure(report: Report) -> list[Figure]:
    figures = []
    for name, (few, many) in FEW_AND_MANY.items():
        costs = in_turns({"few": partial(_cost, few), "many": partial(_cost, many)}, report)
        ratio = median(costs["many"]) / median(costs["few"])
        figures += [figure(f"cost_growth {name}: a record with {side}", found, "µs") for side, found in costs.items()]
        figures.append(figure(f"cost_growth {name}: many / few", ratio, "times", at_most=RATIO_MARK))
    return figures


def _cost(shape: Shape) -> float:
    with temporary_folder() as folder:
        return in_own_process(cost_of, str(folder), shape)


QUESTIONS = (BenchQuestion("cost_growth", "processor time of a record as orgs, hours, sessions grow", _measure),)
