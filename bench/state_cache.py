"""What does the cache of session states cost a projector with a million sessions?"""

from collections.abc import Iterator
from os import getpid
from statistics import median
from time import perf_counter
from uuid import uuid4

from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.services import in_own_process, resident_mb
from processors.fold.state import SessionState
from processors.state_cache import StateCache

SESSIONS, OF_A_BATCH, ROUNDS = 1_000_000, 800, 25
TIDY_MARK_MS, BYTES_MARK = 1.0, 1_024
ORG = "acme"


def measure_cache() -> tuple[list[float], list[float], float]:
    """Return the milliseconds of bookkeeping after a batch, with room and without, and the bytes a session."""
    roomy = StateCache(1 << 40)
    before = resident_mb(getpid())
    for batch in range(SESSIONS // OF_A_BATCH):
        _add(roomy, batch)
        roomy.evict()
    with_room = list(_tidy_ms(roomy))
    full = StateCache(roomy.bytes_used)  # half of it frozen
    del roomy
    for batch in range(SESSIONS // OF_A_BATCH):
        _add(full, batch)
        full.evict()
    taken = (resident_mb(getpid()) - before) * 2**20 / len(full)
    return with_room, list(_tidy_ms(full)), taken


def _tidy_ms(cache: StateCache) -> Iterator[float]:
    for batch in range(ROUNDS):
        _add(cache, batch)
        begun = perf_counter()
        cache.evict()
        yield (perf_counter() - begun) * 1e3


def _add(cache: StateCache, batch: int) -> None:
    """Add the sessions of a batch whose facts are stored; each has one fact."""
    keys = [(ORG, uuid4()) for _ in range(OF_A_BATCH)]
    for org, session in keys:
        state = SessionState(org_id=org, session_id=session, log_partition=0, started_at=0, user_id="alice")
        state.seen.add(uuid4().int)
        state.version = batch
        cache.put((org, session), state)
    cache.pin(keys)
    cache.stored(keys)


def _measure(report: Report) -> list[Figure]:
    report(f"filling a cache with {SESSIONS:,} sessions")
    with_room, full, taken = in_own_process(measure_cache)
    return [
        at_most("state_cache bookkeeping of a batch", median(with_room), "ms", TIDY_MARK_MS),
        without_mark("state_cache bookkeeping of a batch that displaces as many", median(full), "ms"),
        at_most("state_cache memory of a session with one fact", taken, "B", BYTES_MARK),
    ]


QUESTIONS = (BenchQuestion("state_cache", "bookkeeping and memory of a million cached sessions", _measure),)
