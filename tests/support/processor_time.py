"""The processor time of a piece of work, for properties that only time can show."""

import gc
import time
from collections import deque
from collections.abc import Callable

from ingest.privacy.redaction.rule_parts import Find

ATTEMPTS = 6  # attempts to get a low enough measurement: other work makes it longer, never shorter
GROWTH_MAX = 6  # of the time, for four times the work


def processor_s(work: Callable[[], object]) -> float:
    """Return the processor time of all threads of this process, in seconds, while ``work`` runs.

    Garbage collection is off meanwhile: it would walk all objects that other tests have left.
    """
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()


def least_processor_s(work: Callable[[], object], times: int = 3) -> float:
    """Return the lowest of several measurements: other work makes one longer, never shorter."""
    return min(processor_s(work) for _ in range(times))


def count_s() -> float:
    """Return the processor time, in seconds, in which this machine now counts to a million: some 15 ms when idle.

    A limit in such counts also holds on a slower machine, and next to other processes.
    """
    return processor_s(_count)


def _count() -> None:
    for _ in range(1_000_000):
        pass


def in_counts(work: Callable[[], object], limit: float) -> float:
    """Return the processor time of a piece of work, as a multiple of the time to count to a million.

    Repeat up to `ATTEMPTS` times until it is below ``limit``.
    """
    for _ in range(ATTEMPTS):
        before = count_s()
        took_s = processor_s(work)
        took = took_s / max(before, count_s())
        if took < limit:
            break
    return took


def search_s(find: Find, text: bytes) -> float:
    """Return the processor time in which an exact rule of redaction searches a text."""
    return processor_s(lambda: deque(find(text), maxlen=0))


def grows_linearly(small: Callable[[], float], large: Callable[[], float]) -> bool:
    """Return whether ``large``, four times as much work as ``small``, takes less than `GROWTH_MAX` times as long.

    Both arguments measure processor time. The large one is measured between two runs of the small one, and compared
    with the shorter. The machine's speed may change, so up to `ATTEMPTS` times: in one, it is the same for all three.
    """
    for _ in range(ATTEMPTS):
        before_s, large_s, after_s = small(), large(), small()
        if large_s < GROWTH_MAX * min(before_s, after_s):
            return True
    return False
