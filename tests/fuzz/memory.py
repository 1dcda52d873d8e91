"""Memory of a process at rest, and how much it may grow."""

import os
import time
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
FACT_BYTES = 300  # of a fact in the projector's cache, which holds a million facts
CACHED_FACTS_MAX = 1_000_000
READ_FOR_S = 3.0
_FACTS = 'crewkit_projector_facts_total{generation="g1"} '


class AtRest(NamedTuple):
    """Bytes in memory, and the number of facts projected by then."""

    resident: int
    facts: int


def resident_bytes(pid: int) -> int:
    """Return the resident memory of the process; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


def at_rest(pid: int, metrics: str) -> AtRest:
    """Return the least memory within some seconds without requests; ``metrics`` are those of the process."""
    deadline = time.monotonic() + READ_FOR_S
    least = resident_bytes(pid)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        least = min(least, resident_bytes(pid))
    facts = (line.removeprefix(_FACTS) for line in metrics.splitlines() if line.startswith(_FACTS))
    return AtRest(least, int(float(next(facts, "0"))))


def too_much(before: AtRest, after: AtRest, limit: int) -> str | None:
    """Return a sentence if memory grew by more than ``limit`` bytes plus the cache of the new facts."""
    grown, facts = after.resident - before.resident, after.facts - before.facts
    explained = FACT_BYTES * min(facts, CACHED_FACTS_MAX)
    if grown <= limit + explained:
        return None
    return (
        f"{grown >> 20} MB came to stay ({before.resident >> 20} MB, then {after.resident >> 20} MB at rest); "
        f"{facts:,} new facts explain {explained >> 20} MB, {limit >> 20} MB are allowed beyond that"
    )
