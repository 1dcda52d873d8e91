"""The processor time of a piece of work, for properties that only time can show."""

import gc
import time
from collections import deque
from collections.abc import Callable

from ingest.privacy.redaction.rule_parts import Find

ATTEMPTS = 6  # to measure little enough: what else runs makes a measurement longer, never shorter


def processor_s(work: Callable[[], object]) -> float:
    """Return the processor time of all threads of this process, in seconds, while ``work`` runs.

    Garbage is not collected meanwhile: that would look through all that other tests have left.
    """
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()


def least_processor_s(work: Callable[[], object], times: int = 3) -> float:
    """Return the least of several measurements: what else runs makes one longer, never shorter."""
    return min(processor_s(work) for _ in range(times))


def count_s() -> float:
    """Return the processor time, in seconds, in which this machine counts to a million now: some 15 ms when idle.

    A limit in counts holds on a slower machine too, and beside other processes.
    """
    return processor_s(_count)


def _count() -> None:
    for _ in range(1_000_000):
        pass


def in_counts(work: Callable[[], object], limit: float) -> float:
    """Return the processor time of a piece of work, in counts to a million before and after it.

    Measure up to `ATTEMPTS` times while it is not below ``limit``.
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


def grows_linearly(small: Callable[[], float], large: Callable[[], float], growth_max: float = 6) -> bool:
    """Return whether a piece of work that is four times as ``large`` takes less than ``growth_max`` times as long.

    The arguments measure the two. The large one is measured between two of the small one, of which the shorter counts,
    and this up to `ATTEMPTS` times: the speed of a machine that changes for seconds is once the same for all three.
    """
    for _ in range(ATTEMPTS):
        before_s, large_s, after_s = small(), large(), small()
        if large_s < growth_max * min(before_s, after_s):
            return True
    return False
