"""The replies about generations and jobs."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from generations.jobs.table import Job, State, Step
from generations.jobs.waiting import waits_for
from generations.situation import GenerationState, GenerationStatus, ProofRow, Situation
from schemas.times import instant


class TakenBy(Struct, frozen=True):
    """A process that picked up a job, and the partitions for which it does the work."""

    by: str
    at: str
    partitions: list[int]


class JobProgress(Struct, frozen=True):
    """How much of the work is done (0 to 1, null if unknown), and what is being done."""

    share: float | None
    text: str


class JobReply(Struct, frozen=True, kw_only=True):
    """An operator's job: who requested it and when, which processes picked it up, and its result."""

    id: UUID
    kind: str
    generation: str
    state: State
    requested_by: str
    requested_at: str
    rate: int
    accept_differences: bool
    taken: list[TakenBy]
    progress: JobProgress | None
    waits_for: str | None
    finished_at: str | None
    results: list[dict[str, Any]]
    reason: str | None


class GenerationPartition(Struct, frozen=True):
    """One log partition in one generation; `complete_through` is null until the partition has reached the end once."""

    partition: int
    log_end: int
    projected: int
    complete_through: str | None


class Switch(Struct, frozen=True):
    """A moment when a generation became live; `requested_by` is null for the first one."""

    at: str
    requested_by: str | None
    accept_differences: bool


class ProofVerdict(Struct, frozen=True):
    """The verdict of the last proof of a generation."""

    at: str
    compared_with: str
    equal: bool


class GenerationReply(Struct, frozen=True, kw_only=True):
    """A generation: its state, what it was built with, its progress, and when it was live."""

    name: str
    state: GenerationState
    paused: bool
    fold_version: int
    prices_sha256: str
    made_at: str
    facts: int
    lag_records: int
    partitions: list[GenerationPartition]
    switches: list[Switch]
    proof: ProofVerdict | None


def job_reply(job: Job, situation: Situation) -> JobReply:
    """Return what is known about a job."""
    partitions = situation.partitions_of(job.generation)
    state = job.state(partitions)
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
        finished_at=_finished_at(job, state),
        results=[step.report.result for step in job.done],
        reason=_reason(job),
    )


def generation_reply(status: GenerationStatus, situation: Situation) -> GenerationReply:
    """Return what is known about a generation."""
    made = status.known.made
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
        proof=_verdict(status.proof),
    )


def _progress(job: Job, state: State, situation: Situation) -> JobProgress | None:
    status = situation.generations.get(job.generation)
    if job.kind == "replay" and status is not None:
        share = 1.0 if state == "done" else status.share
        left = sum(max(0, row.log_end - row.projected) for row in status.progress)
        rest = f"{left} records left" if left or state == "done" else "making the rollups"
        return JobProgress(share, f"{status.facts} facts, {rest}")
    step = job.progress
    return None if step is None else JobProgress(step.report.share, step.report.text)


def _finished_at(job: Job, state: State) -> str | None:
    last: Step | None = job.failed or (job.done[-1] if state == "done" else None)
    return None if last is None else instant(last.at_us // 1000)


def _reason(job: Job) -> str | None:
    if job.failed is not None:
        return job.failed.report.text
    return "no process picked it up in time; request it again" if job.has_expired else None


def _switches(status: GenerationStatus, situation: Situation) -> list[Switch]:
    """Return when the generation became live. Each switch except the first belongs to the next job that ended."""
    found = []
    jobs = [r for r in situation.jobs if r.kind == "switch" and r.generation == status.name and r.done]
    for at_us in status.known.live_at_us:
        job = next((r for r in jobs if r.at_us <= at_us <= r.done[-1].at_us), None)
        by, accepted = (job.by, job.options.accept_differences) if job else (None, False)
        found.append(Switch(instant(at_us // 1000), by, accepted))
    return found


def _verdict(proof: ProofRow | None) -> ProofVerdict | None:
    return None if proof is None else ProofVerdict(instant(proof.at_us // 1000), proof.compared_with, proof.equal)
