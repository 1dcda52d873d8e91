"""What an open job is waiting for: which process is missing, and how to start it."""

from generations.jobs.table import PROVISIONED, Job
from generations.situation import Situation

TAKEN_WITHIN_S = 10.0
STARTS_WITHIN_S = 30.0  # the time in which a supervisor starts the projectors of a new generation


def waits_for(job: Job, situation: Situation) -> str | None:
    """Return a sentence about a process that has been missing for a while, or None."""
    name = job.generation
    partitions = situation.partitions_of(name)
    is_created = name in situation.generations
    within_s = STARTS_WITHIN_S if job.kind == "replay" and is_created else TAKEN_WITHIN_S
    if not job.is_open(partitions) or job.age_s < within_s:
        return None
    if job.kind in PROVISIONED and not job.taken and not (job.kind == "replay" and is_created):
        return "no running process may create and drop databases: run `crewkit-sessions provision` to do this work"
    if job.kind in ("drop", "prices"):
        return None
    taken = frozenset[int]().union(*(step.partitions for step in job.taken))
    missing = sorted(job.needs(partitions) - taken)
    if not missing:
        return None
    which = f"partition {missing[0]}" if len(missing) == 1 else f"partitions {', '.join(map(str, missing))}"
    return f"no projector of {name} follows {which}: start `crewkit-sessions processors --generation {name}`"
