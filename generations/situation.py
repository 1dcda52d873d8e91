"""The situation when a job is requested: every generation with its progress and last proof, and all jobs."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from generations.jobs.table import LOOKED_AT, Job, JobEvent, jobs_of
from query_api.freshness import PROGRESS, PartitionProgressRow
from store.errors import StoreUnavailable
from store.generations import KnownGeneration
from store.reading.generations import load_known
from store.reading.question import NoParams, Question
from store.reading.reader import Reader, answer, answer_from_control

GenerationState = Literal["filling", "following", "live", "dropped"]


class Latest(Struct, frozen=True):
    limit: int


class ProofRow(Struct, frozen=True):
    """The verdict of the last proof of a generation."""

    generation: str
    at_us: int
    compared_with: str
    request: UUID
    equal: bool


class FactCountRow(Struct, frozen=True):
    facts: int


LATEST_JOBS = Question("generations.jobs.latest", Latest, JobEvent)
LATEST_PROOFS = Question("generations.latest_proofs", NoParams, ProofRow)
FACT_COUNT = Question("generations.fact_count", NoParams, FactCountRow)


class GenerationStatus(Struct):
    """A generation, its progress, and the result of its last proof."""

    known: KnownGeneration
    progress: Sequence[PartitionProgressRow] = ()
    facts: int = 0
    proof: ProofRow | None = None
    was_filled: bool = False  # its replay ended; needed because a restarted projector briefly reports no end of the log

    @property
    def name(self) -> str:
        return self.known.name

    @property
    def state(self) -> GenerationState:
        """`live`, `dropped`, `filling` until every partition has reached the end of the log once, or `following`."""
        if self.known.is_dropped:
            return "dropped"
        if self.known.is_live:
            return "live"
        was_filled = self.was_filled or self.known.live_at_us or self.has_caught_up
        return "following" if was_filled else "filling"

    @property
    def has_caught_up(self) -> bool:
        """Whether every partition has been projected to the end of the log once, and the rollups are made."""
        reported = len(self.progress) >= self.known.made.partitions
        return reported and all(row.complete_ms and row.rolled_up_ms for row in self.progress)

    @property
    def share(self) -> float:
        """How much of the log is projected, from 0 to 1, as of the last reports."""
        end = sum(row.log_end for row in self.progress)
        return sum(row.projected for row in self.progress) / end if end else float(self.has_caught_up)


class Situation(Struct):
    """Everything that decides whether a job makes sense: generations by name, and jobs, oldest first."""

    generations: dict[str, GenerationStatus]
    jobs: list[Job]

    @property
    def live(self) -> GenerationStatus | None:
        return next((status for status in self.generations.values() if status.known.is_live), None)

    def partitions_of(self, generation: str) -> int:
        """Return the number of the log's partitions."""
        status = self.generations.get(generation) or self.live
        return status.known.made.partitions if status else 1


async def load_latest(reader: Reader, limit: int = LOOKED_AT) -> list[Job]:
    return jobs_of(await answer_from_control(reader, LATEST_JOBS, Latest(limit)))


async def load_situation(reader: Reader, jobs: int = LOOKED_AT) -> Situation:
    """Return the current situation, with the latest ``jobs``."""
    known = await load_known(reader)
    proofs = {row.generation: row for row in await answer_from_control(reader, LATEST_PROOFS, NoParams())}
    latest = await load_latest(reader, jobs)
    filled = {job.generation for job in latest if job.kind == "replay" and job.done}
    statuses = {}
    for made in known:
        status = GenerationStatus(made, proof=proofs.get(made.name), was_filled=made.name in filled)
        statuses[made.name] = await load_progress(reader, status)
    return Situation(statuses, latest)


async def load_progress(reader: Reader, status: GenerationStatus) -> GenerationStatus:
    """Return the status with its progress, or without if the tables do not exist or are being dropped."""
    if status.known.is_dropped:
        return status
    try:
        progress = await answer(reader, status.known.made, PROGRESS, NoParams())
        (count,) = await answer(reader, status.known.made, FACT_COUNT, NoParams())
    except StoreUnavailable:
        await load_known(reader)  # raises the same error if the store is unreachable
        return status
    return msgspec.structs.replace(status, progress=progress, facts=count.facts)
