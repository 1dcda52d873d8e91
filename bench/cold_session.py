"""How long does a projector take to begin with a session that it does not have in memory?

The real planner over the engine in its process: the time from a record of a session of 100,000 facts to its plan, each
time in a new process. Once it begins with the state that is kept of the session, once it folds all its facts.
"""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec

from bench.growth import NoLog
from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.services import in_own_process, temporary_folder
from processors.dead_letter_limit import DeadLetterLimit
from processors.observer import Observers
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.state_cache import StateCache
from processors.warehouse import ClickHouseWarehouse
from runtime.projector import make_warehouse
from runtime.provision import provision_store
from runtime.store_url import parse_store_url
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, Event, EventsRecorded
from schemas.log.topics import record_key
from schemas.pricing.price_list import list_prices
from store.generations import FIRST_GENERATION

FACTS, OF_A_RECORD, ROUNDS = 100_000, 1_000, 5
MARK_MS = 200
ORG, SESSION = "acme", UUID("95a02986-fbb1-4e53-a1a7-930bb2803f91")
BEGAN_MS = 1_764_000_000_000
_KINDS = (
    ("UserPromptSubmit", b'{"prompt":"Please fix the failing test of the billing module."}'),
    ("PreToolUse", b'{"tool_name":"Bash","tool_use_id":"toolu_%024x","tool_input":{"command":"make test"}}'),
    ("PostToolUse", b'{"tool_name":"Bash","tool_use_id":"toolu_%024x","tool_response":{"stdout":"ok"}}'),
)


class Parts(NamedTuple):
    """A planner, and what it works with."""

    warehouse: ClickHouseWarehouse
    cache: StateCache
    planner: Planner


def fill(folder: str) -> None:
    """Project the session into a new store."""
    provision_store(parse_store_url(f"chdb://{folder}/store"), 1, list_prices())
    asyncio.run(_project(_parts(folder)))


async def _project(parts: Parts) -> None:
    pipeline = Pipeline(parts.warehouse, NoLog(), parts.planner, parts.cache, Observers())
    await pipeline.resume(0, 0)
    for offset in range(FACTS // OF_A_RECORD):
        await pipeline.project([_record(offset)])
    await pipeline.drain()


def begin_ms(folder: str, from_state: bool) -> float:
    """Return the milliseconds from the next record of the session to its plan, in a process that does not have it."""
    parts = _parts(folder)
    parts.warehouse.last_receipt(0)  # to connect is no part of it
    parts.planner.plan([])
    if from_state:
        parts.planner.remember(0)
    record = _record(FACTS // OF_A_RECORD)
    begun = time.perf_counter()
    parts.planner.plan([record])
    return (time.perf_counter() - begun) * 1e3


def _parts(folder: str) -> Parts:
    warehouse = make_warehouse(parse_store_url(f"chdb://{folder}/store"), FIRST_GENERATION)
    cache = StateCache(1 << 40)
    return Parts(warehouse, cache, Planner(warehouse, cache, Pricing(warehouse), 1, DeadLetterLimit(0.9)))


def _record(offset: int) -> LogRecord:
    record = EventsRecorded(
        v=1,
        record_id=uuid4(),
        org_id=ORG,
        session_id=SESSION,
        actor=Actor("alice", "member"),
        received_at=BEGAN_MS + offset,
        events=tuple(_events(offset * OF_A_RECORD)),
    )
    return LogRecord(0, offset, record_key(SESSION), encode(record), BEGAN_MS + offset)


def _events(first: int) -> Iterator[Event]:
    """Yield prompts and uses of a tool in turn."""
    for number in range(first, first + OF_A_RECORD):
        event_type, data = _KINDS[number % 3]
        if b"%" in data:
            data %= number // 3
        yield Event(uuid4(), event_type, BEGAN_MS + number, msgspec.Raw(data))


def _measure(report: Report) -> list[Figure]:
    with temporary_folder() as folder:
        report(f"projecting a session of {FACTS:,} facts")
        in_own_process(fill, str(folder))
        took_ms: dict[bool, list[float]] = {True: [], False: []}
        for number in range(ROUNDS):
            report(f"round {number + 1} of {ROUNDS}")
            for from_state, found in took_ms.items():
                found.append(in_own_process(begin_ms, str(folder), from_state))
    kept, folded = (median(found) for found in took_ms.values())
    return [
        at_most("cold_session from its kept state", kept, "ms", MARK_MS),
        without_mark("cold_session from all its facts", folded, "ms"),
    ]


QUESTIONS = (BenchQuestion("cold_session", "begin with a session of 100,000 facts", _measure),)
