"""How many generations may exist beside the live one. Pure.

Checked when a replay is requested, and again by the process that begins it.
"""

from collections.abc import Iterable, Sequence

from generations.jobs.table import Job
from store.generations import KnownGeneration

BESIDE_LIVE_MAX = 2  # each takes memory, threads and processor time as long as it follows the log


def refusal_beside(name: str, known: Sequence[KnownGeneration], jobs: Iterable[Job]) -> str | None:
    """Return why there is no room for generation ``name`` beside the live one, and what to do; None if there is room.

    ``jobs`` are those that take precedence. Once a replay is taken up, these are the earlier ones, so all processes
    decide about concurrent jobs in the same way.
    """
    gone = {one.name for one in known if one.is_live or one.is_dropped}
    waiting = {job.generation for job in jobs if job.kind == "replay" and job.is_open(1)}
    others = sorted(({one.name for one in known} | waiting) - gone - {name})
    if len(others) < BESIDE_LIVE_MAX:
        return None
    return (
        f"at most {BESIDE_LIVE_MAX} generations may exist beside the live one, and {' and '.join(others)} exist or are "
        "requested: `drop` one of them first"
    )
