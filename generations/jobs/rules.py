"""Which jobs are refused, and what to do instead. Checked when a job arrives and when it is picked up. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from generations.jobs.table import Job, JobOptions, Kind
from store.generations import KnownGeneration

if TYPE_CHECKING:  # `provision` checks replays without a situation, and need not load the reader of the store
    from generations.situation import GenerationStatus, Situation

# The store grants rights on databases by this prefix.
NAME = re.compile(r"g[a-z0-9_]{0,30}")
BESIDE_LIVE_MAX = 2  # each takes memory, threads and processor time as long as it follows the log


def refusal(kind: Kind, generation: str, options: JobOptions, situation: "Situation") -> str | None:
    """Return why a job is refused and what to do, in one sentence, or None if it is accepted."""
    return _in_the_way(kind, generation, situation) or refusal_now(kind, generation, options, situation)


def refusal_now(kind: Kind, generation: str, options: JobOptions, situation: "Situation") -> str | None:
    """Return the same for a job that has already been accepted."""
    status = situation.generations.get(generation)
    if kind == "replay":
        if NAME.fullmatch(generation) is None:
            return f"{generation!r} is not a generation name: use g, then at most 30 letters, digits or _, such as g2"
        if status is not None:
            return f"{generation} already exists ({status.state}); names can't be reused, so choose another"
        return refusal_beside(generation, [one.known for one in situation.generations.values()], situation.jobs)
    if kind == "prices":
        return None  # they are compared with the price history when they are loaded
    if status is None:
        names = ", ".join(situation.generations) or "none"
        return f"there is no generation {generation} (known: {names}); `replay --to {generation}` makes one"
    if status.known.is_dropped:
        return f"{generation} was dropped; `replay --to NAME` makes a generation with a new name"
    return _of_existing(kind, status, options, situation)


def _in_the_way(kind: Kind, generation: str, situation: "Situation") -> str | None:
    partitions = situation.partitions_of(generation)
    for job in situation.jobs:
        if job.generation != generation or not job.is_open(partitions):
            continue
        if job.kind == kind:
            return f"the same is requested already, as {job.id}: wait until it ends"
        if job.kind == "drop":
            return f"{generation} is about to be dropped, by {job.id}: `replay --to NAME` makes another generation"
        if (job.kind, kind) == ("switch", "drop"):
            return f"a switch to {generation} is requested, as {job.id}: wait until it ends"
    return None


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


def _of_existing(kind: Kind, status: "GenerationStatus", options: JobOptions, situation: "Situation") -> str | None:
    name, known = status.name, status.known
    match kind:
        case "repair" | "sweep" if known.is_paused:
            return f"{name} is paused: `resume {name}` first"
        case "prove" if status.state == "filling":
            return f"{name} is still filling ({status.share:.0%} of the log): prove it once it follows the log"
        case "switch":
            return _of_switch(status, options, situation)
        case "drop" if known.is_live:
            return f"{name} is live: switch to another generation first"
        case "pause" if known.is_paused:
            return f"{name} is paused already"
        case "resume" if not known.is_paused:
            return f"{name} is not paused"
        case "repair" | "prove" | "drop" | "pause" | "resume" | "sweep" | "check_erasures":
            return None
    raise KeyError(kind)  # a new kind needs a rule


def _of_switch(status: "GenerationStatus", options: JobOptions, situation: "Situation") -> str | None:
    name = status.name
    if status.known.is_live:
        return f"{name} is live already"
    if status.state == "filling":
        return f"{name} is still filling ({status.share:.0%} of the log): wait until it follows the log, then prove it"
    if status.known.is_paused:
        return f"{name} is paused: `resume {name}` first"
    if status.known.live_at_us:
        return None  # it was live before, so it needs no proof to become live again
    proof, live = status.proof, situation.live
    if proof is None:
        return f"{name} is not proved: `prove {name}` first"
    if live is not None and proof.compared_with != live.name:
        return f"{name} was proved against {proof.compared_with}, but {live.name} is live: `prove {name}` again"
    if not (proof.equal or options.accept_differences):
        return (
            f"the last proof of {name} found differences: read them with `prove {name}`, and if all are intended, "
            f"`switch {name} --accept-differences`"
        )
    return None
