"""What does the cache of session states cost a projector with a million sessions?"""

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


def measure_roomy() -> tuple[int, float]:
    """Return the bytes that a million sessions take as objects, and the milliseconds of bookkeeping after a batch."""
    cache = _filled(1 << 40)
    taken = cache.bytes_used
    return taken, _tidy_ms(cache)


def measure_full(bytes_max: int) -> tuple[float, float]:
    """Return the bytes of memory that a session takes, and the milliseconds of bookkeeping after a batch."""
    before = resident_mb(getpid())
    cache = _filled(bytes_max)
    taken = (resident_mb(getpid()) - before) * 2**20 / len(cache)
    return taken, _tidy_ms(cache)


def _filled(bytes_max: int) -> StateCache:
    cache = StateCache(bytes_max)
    for batch in range(SESSIONS // OF_A_BATCH):
        _add(cache, batch)
        cache.evict()
    return cache


def _tidy_ms(cache: StateCache) -> float:
    took = []
    for batch in range(ROUNDS):
        _add(cache, batch)
        begun = perf_counter()
        cache.evict()
        took.append((perf_counter() - begun) * 1e3)
    return median(took)


def _add(cache: StateCache, batch: int) -> None:
    """Add the sessions of a batch whose facts are stored; each has one fact."""
    keys = [(ORG, uuid4()) for _ in range(OF_A_BATCH)]
    for org, session in keys:
        state = SessionState(org_id=org, session_id=session, log_partition=0, started_at=0, user_id="alice")
        state.seen[uuid4().int] = None
        state.version = batch
        cache.put((org, session), state)
    cache.pin(keys)
    cache.stored(keys)


def _measure(report: Report) -> list[Figure]:
    report(f"filling a cache with {SESSIONS:,} sessions")
    bytes_used, with_room = in_own_process(measure_roomy)
    report("filling one of half the size, most of whose sessions are frozen")
    taken, full = in_own_process(measure_full, bytes_used // 2)
    return [
        at_most("state_cache bookkeeping of a batch", with_room, "ms", TIDY_MARK_MS),
        without_mark("state_cache bookkeeping of a batch that displaces as many", full, "ms"),
        at_most("state_cache memory of a session with one fact", taken, "B", BYTES_MARK),
    ]


QUESTIONS = (BenchQuestion("state_cache", "bookkeeping and memory of a million cached sessions", _measure),)
