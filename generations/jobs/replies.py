"""The replies about generations and jobs."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Struct

from generations.jobs.table import PROVISIONED, Job, State
from generations.situation import GenerationState, GenerationStatus, Situation
from schemas.http import fields
from schemas.http.fields import EVENT_ID, doc, moment
from schemas.times import instant

TAKEN_WITHIN_S = 10.0
STARTS_WITHIN_S = 30.0  # the time in which a supervisor starts the projectors of a new generation


class TakenBy(Struct, frozen=True):
    """A process that picked up a job, and the partitions for which it does the work."""

    by: Annotated[str, doc("Process that took the job up.", "projector of g2 in `up`")]
    at: fields.At
    partitions: Annotated[list[int], doc("Partitions whose work the process does.", [0, 1, 2, 3])]


class JobProgress(Struct, frozen=True):
    """How much of the work is done (0 to 1, null if unknown), and what is being done."""

    share: Annotated[float | None, doc("Share of the work that is done, from 0 to 1.", 0.43)]
    text: Annotated[str, doc("What is being done.", "facts of acme")]


class JobReply(Struct, frozen=True, kw_only=True):
    """An operator's job: who requested it and when, which processes picked it up, and its result."""

    id: Annotated[UUID, doc("Id of the job.", EVENT_ID)]
    kind: Annotated[str, doc("The work.", values="prove repair replay switch drop pause resume prices sweep")]
    generation: fields.Generation
    state: Annotated[State, doc("`taken` from when a process takes it up until it ends.", "done")]
    requested_by: fields.RequestedBy
    requested_at: Annotated[str, moment("Time at which it was requested.")]
    rate: Annotated[int, doc("Limit of a replay, in events per second; 0: no limit.", 0)]
    accept_differences: fields.AcceptDifferences
    taken: Annotated[list[TakenBy], doc("Processes that took the job up.")]
    progress: Annotated[JobProgress | None, doc("How far the work is; null if that is unknown.")]
    waits_for: Annotated[str | None, doc("Which process is missing, and how to start it; null if none is.")]
    finished_at: Annotated[str | None, moment("Time at which the work ended; null before.")]
    results: Annotated[list[dict[str, Any]], doc("Results, one entry for each process.", [{"equal": True}])]
    reason: Annotated[str | None, doc("Why it failed.")]


class GenerationPartition(Struct, frozen=True):
    """One log partition in one generation; `complete_through` is null until the partition has reached the end once."""

    partition: fields.Partition
    log_end: fields.LogEnd
    projected: fields.Projected
    complete_through: fields.CompleteThrough | None


class Switch(Struct, frozen=True):
    """A moment when a generation became live; `requested_by` is null for the first one."""

    at: fields.At
    requested_by: fields.RequestedBy | None
    accept_differences: fields.AcceptDifferences


class ProofVerdict(Struct, frozen=True):
    """The verdict of the last proof of a generation."""

    at: fields.At
    compared_with: Annotated[str, doc("Generation that was live at the proof.", "g1")]
    equal: Annotated[bool, doc("Whether the proof found no difference.", True)]


class GenerationReply(Struct, frozen=True, kw_only=True):
    """A generation: its state, what it was built with, its progress, and when it was live."""

    name: Annotated[str, doc("Name of the generation: one set of tables, projected from the whole log.", "g2")]
    state: Annotated[GenerationState, doc("`filling` to the log's end, then `following` or `live`.", "following")]
    paused: Annotated[bool, doc("Whether it is paused: nothing is projected into it until it is resumed.", False)]
    fold_version: Annotated[int, doc("Version of the rules that make its rows.", 2)]
    prices_sha256: Annotated[str, doc("SHA-256 of the price list that it was made with.", "4f6c…")]
    made_at: Annotated[str, moment("Time at which it was created.")]
    facts: Annotated[int, doc("Number of fact rows. Rows written twice count twice until they are merged.", 99)]
    lag_records: fields.LagRecords
    partitions: Annotated[list[GenerationPartition], doc("Partitions of the log.")]
    switches: Annotated[list[Switch], doc("When it became live, oldest first.")]
    proof: Annotated[ProofVerdict | None, doc("Verdict of its last proof; null if it was never proved.")]


def job_reply(job: Job, situation: Situation) -> JobReply:
    state = job.state(situation.partitions_of(job.generation))
    last = job.failed or (job.done[-1] if state == "done" else None)
    expired = "no process picked it up in time; request it again" if job.has_expired else None
    return JobReply(
        id=job.id,
        kind=job.kind,
        generation=job.generation,
        state=state,
        requested_by=job.by,
        requested_at=instant(job.at_us // 1000),
        rate=job.options.rate,
        accept_differences=job.options.accept_differences,
        taken=[TakenBy(step.by, instant(step.at_us // 1000), sorted(step.partitions)) for step in job.taken],
        progress=_progress(job, state, situation),
        waits_for=waits_for(job, situation),
        finished_at=instant(last.at_us // 1000) if last else None,
        results=[step.report.result for step in job.done],
        reason=job.failed.report.text if job.failed else expired,
    )


def generation_reply(status: GenerationStatus, situation: Situation) -> GenerationReply:
    made, proof = status.known.made, status.proof
    return GenerationReply(
        name=made.name,
        state=status.state,
        paused=status.known.is_paused,
        fold_version=made.fold_version,
        prices_sha256=made.prices_sha256,
        made_at=instant(made.made_us // 1000),
        facts=status.facts,
        lag_records=sum(max(0, row.log_end - row.projected) for row in status.progress),
        partitions=[
            GenerationPartition(
                row.log_partition, row.log_end, row.projected, instant(row.complete_ms) if row.complete_ms else None
            )
            for row in status.progress
        ],
        switches=_switches(status, situation),
        proof=ProofVerdict(instant(proof.at_us // 1000), proof.compared_with, proof.equal) if proof else None,
    )


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


def _progress(job: Job, state: State, situation: Situation) -> JobProgress | None:
    status = situation.generations.get(job.generation)
    if job.kind == "replay" and status is not None:
        share = 1.0 if state == "done" else status.share
        left = sum(max(0, row.log_end - row.projected) for row in status.progress)
        rest = f"{left} records left" if left or state == "done" else "making the rollups"
        return JobProgress(share, f"{status.facts} facts, {rest}")
    step = job.progress
    return None if step is None else JobProgress(step.report.share, step.report.text)


def _switches(status: GenerationStatus, situation: Situation) -> list[Switch]:
    """Return when the generation became live. Each switch except the first belongs to the next job that ended."""
    found = []
    jobs = [r for r in situation.jobs if r.kind == "switch" and r.generation == status.name and r.done]
    for at_us in status.known.live_at_us:
        job = next((r for r in jobs if r.at_us <= at_us <= r.done[-1].at_us), None)
        by, accepted = (job.by, job.options.accept_differences) if job else (None, False)
        found.append(Switch(instant(at_us // 1000), by, accepted))
    return found
