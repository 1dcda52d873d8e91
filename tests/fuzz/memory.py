"""Memory of a process at rest, and how much of it may have come to stay."""

import os
import time
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
FACT_BYTES = 300  # of a fact in the projector's cache, which holds a million of them
CACHED_FACTS_MAX = 1_000_000
READ_FOR_S = 3.0
_FACTS = "crewkit_projector_facts_total "


class AtRest(NamedTuple):
    """Bytes in memory, and how many facts had been projected by then."""

    resident: int
    facts: int


def resident_bytes(pid: int) -> int:
    """What the process has in memory now; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


def at_rest(pid: int, metrics: str) -> AtRest:
    """The least that it has within some seconds in which nothing is asked of it; ``metrics`` are its own."""
    deadline = time.monotonic() + READ_FOR_S
    least = resident_bytes(pid)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        least = min(least, resident_bytes(pid))
    facts = (line.removeprefix(_FACTS) for line in metrics.splitlines() if line.startswith(_FACTS))
    return AtRest(least, int(float(next(facts, "0"))))


def too_much(before: AtRest, after: AtRest, limit: int) -> str | None:
    """A sentence if more came to stay than ``limit`` bytes and the cache of the new facts explain."""
    grown, facts = after.resident - before.resident, after.facts - before.facts
    explained = FACT_BYTES * min(facts, CACHED_FACTS_MAX)
    if grown <= limit + explained:
        return None
    return (
        f"{grown >> 20} MB came to stay ({before.resident >> 20} MB, then {after.resident >> 20} MB at rest); "
        f"{facts:,} new facts explain {explained >> 20} MB, {limit >> 20} MB are allowed beyond that"
    )
