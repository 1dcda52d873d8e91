"""Rows of the control database and values derived from them: a test states only the interesting fields."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from generations.jobs.table import Job, JobEvent, JobOptions, Report, jobs_of
from generations.situation import GenerationStatus, ProofRow, Situation
from query_api.freshness import PartitionProgressRow
from store.generations import NO_JOB, GenerationEvent, known_generations

NOW_US = 1_000_000_000


def job_id(number: int) -> UUID:
    """Return the id of the job with this number."""
    return UUID(int=number)


def requested(kind: str, generation: str = "g2", number: int = 1, age_s: float = 5, **options: Any) -> JobEvent:
    """Return the row of a job that is ``age_s`` seconds old."""
    detail = msgspec.json.encode(JobOptions(**options)).decode()
    at_us, age_us = NOW_US - int(age_s * 1e6), int(age_s * 1e6)
    return JobEvent(at_us, age_us, job_id(number), "requested", kind, generation, "alice", (), detail)


def reported(
    row: JobEvent, event: str, partitions: Sequence[int] = (0,), by: str = "p0", after_s: float = 1, **report: Any
) -> JobEvent:
    """Return a row about a job, ``after_s`` seconds after it."""
    detail, later_us = msgspec.json.encode(Report(**report)).decode(), int(after_s * 1e6)
    return JobEvent(
        row.at_us + later_us, row.age_us - later_us, row.id, event, row.kind, row.generation, by, partitions, detail
    )


def job_of(*rows: JobEvent) -> Job:
    """Return the one job of these rows."""
    (job,) = jobs_of(rows)
    return job


def events(*named: str, partitions: int = 2) -> list[GenerationEvent]:
    """Return rows of `generations`, a second apart, from texts such as ``g1 created``."""
    rows = []
    for number, text in enumerate(named):
        name, event = text.split()
        ago_us = (len(named) - number) * 1_000_000
        rows.append(GenerationEvent(NOW_US - ago_us, ago_us, name, event, partitions, 1, "prices"))
    return rows


def progress(*projected: int, log_end: int = 10, complete_ms: int = 1) -> list[PartitionProgressRow]:
    """Return the progress of each partition; ``complete_ms=0`` means that it never reached the end of the log."""
    rows = enumerate(projected)
    return [PartitionProgressRow(n, at, log_end, complete_ms, complete_ms, at, complete_ms) for n, at in rows]


def proof(generation: str, compared_with: str, *, equal: bool = True) -> ProofRow:
    """Return the verdict of a proof."""
    return ProofRow(generation, NOW_US, compared_with, NO_JOB, equal)


def situation(
    rows: Sequence[GenerationEvent],
    jobs: Sequence[JobEvent] = (),
    proofs: Sequence[ProofRow] = (),
    filling: Sequence[str] = (),
) -> Situation:
    """Return the situation: each generation follows the log, except those in ``filling``."""
    proved = {row.generation: row for row in proofs}
    statuses = {
        known.name: GenerationStatus(
            known,
            progress(4, 4, complete_ms=0) if known.name in filling else progress(10, 10),
            proof=proved.get(known.name),
        )
        for known in known_generations(rows)
    }
    return Situation(statuses, jobs_of(jobs))
