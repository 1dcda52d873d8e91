"""Checks a job again while a process does it: things may have changed since it was requested."""

from generations.jobs.rules import refusal_now
from generations.jobs.table import Job
from generations.situation import Situation, load_situation
from store.reading.reader import Reader


class NotPossible(Exception):
    """The job can't be done; the message says why and what to do."""


async def check_again(reader: Reader, job: Job) -> Situation:
    """Return the current situation.

    Raises:
        NotPossible: the job no longer makes sense.
        StoreUnavailable: the store is unreachable.
    """
    situation = await load_situation(reader)
    if why := refusal_now(job.kind, job.generation, job.options, situation):
        raise NotPossible(why)
    return situation
