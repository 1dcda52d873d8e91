"""How long does a projector take to begin with a session that it does not have in memory?

The real planner over the engine in its process: the time from a record of a session of 100,000 facts to its plan, each
time in a new process. Once it begins with the state that is kept of the session, once it folds all its facts.
"""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from uuid import UUID, uuid4

import msgspec

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.in_process import events_record, open_in_process, provision
from bench.services import in_own_process, temporary_folder
from processors.pipeline import Pipeline
from schemas.log.position import LogRecord
from schemas.log.records import Event

FACTS, OF_A_RECORD, ROUNDS = 100_000, 1_000, 5
CACHE_BYTES = 1 << 30
MARK_MS = 200
ORG, SESSION = "acme", UUID("95a02986-fbb1-4e53-a1a7-930bb2803f91")
BEGAN_MS = 1_764_000_000_000
_KINDS = (
    ("UserPromptSubmit", b'{"prompt":"Please fix the failing test of the billing module."}'),
    ("PreToolUse", b'{"tool_name":"Bash","tool_use_id":"toolu_%024x","tool_input":{"command":"make test"}}'),
    ("PostToolUse", b'{"tool_name":"Bash","tool_use_id":"toolu_%024x","tool_response":{"stdout":"ok"}}'),
)


def fill(folder: str) -> None:
    """Project the session into a new store."""
    provision(folder)
    asyncio.run(_project(open_in_process(folder, CACHE_BYTES).pipeline))


async def _project(pipeline: Pipeline) -> None:
    await pipeline.resume(0, 0)
    for offset in range(FACTS // OF_A_RECORD):
        await pipeline.project([_record(offset)])
    await pipeline.drain()


def begin_ms(folder: str, from_state: bool) -> float:
    """Return the milliseconds from the next record of the session to its plan, in a process that does not have it."""
    planner = open_in_process(folder, CACHE_BYTES).planner
    planner.plan([])  # to connect, and to read the prices, is no part of it
    if from_state:
        planner.remember(0)
    record = _record(FACTS // OF_A_RECORD)
    begun = time.perf_counter()
    planner.plan([record])
    return (time.perf_counter() - begun) * 1e3


def _record(offset: int) -> LogRecord:
    return events_record(offset, ORG, SESSION, BEGAN_MS + offset, [*_events(offset * OF_A_RECORD)])


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
