"""Jobs that operators request from the installation's processes, and what the processes report about them.

Everything goes through one append-only table in the control database. It is called `requests`, since a released table
keeps its name. The processes that own the work poll it every two seconds: no signals and no files, so it works across
machines. Every projector of a generation does its part of a `repair`, for its own partitions. All other work belongs to
one process: the projector that follows partition 0, or the one that may create and drop databases (`PROVISIONED`).
A load of prices concerns no generation: its name is empty.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast, get_args
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from store.connect import Client
from store.sql import read_sql

Kind = Literal["repair", "replay", "prove", "switch", "drop", "pause", "resume", "prices", "sweep", "check_erasures"]
Event = Literal["requested", "taken", "progress", "done", "failed"]
State = Literal["requested", "taken", "done", "failed"]
KINDS = frozenset[str](get_args(Kind))
REPORTS = frozenset(("taken", "progress", "done", "failed"))
SHARED: frozenset[Kind] = frozenset({"repair"})  # by all projectors of a generation
PROVISIONED: frozenset[Kind] = frozenset({"replay", "drop", "prices"})  # need the rights of `provision`
# These change what readers see, so they expire: later, the operator would no longer expect the change.
EXPIRING: frozenset[Kind] = frozenset({"switch", "pause", "resume"})
EXPIRES_S = 60.0
LOOKED_AT = 200  # how many of the latest jobs the processes look at
OWNER = 0  # the projector of this partition does what is not shared


class JobOptions(Struct, frozen=True, omit_defaults=True):
    """``rate`` limits a replay, in events a second (0: no limit). ``prices`` is the text of a price file."""

    rate: int = 0
    accept_differences: bool = False
    prices: str = ""
    new_generations_only: bool = False


class Report(Struct, frozen=True, omit_defaults=True):
    """A process's report: the share done (0 to 1), a text (what it is doing, or why it failed), and the result."""

    share: float | None = None
    text: str = ""
    result: dict[str, Any] = {}


class JobEvent(Struct, frozen=True):
    """A row of `requests`. ``age_us`` is the time since it was written, by the store's clock.

    ``event`` and ``kind`` may come from a later version, which runs beside this one during an upgrade.
    """

    at_us: int
    age_us: int
    id: UUID
    event: str
    kind: str
    generation: str
    by: str
    partitions: Sequence[int]
    detail: str


class Step(Struct, frozen=True):
    at_us: int
    by: str
    partitions: frozenset[int]
    report: Report


class Job(Struct):
    id: UUID
    kind: Kind
    generation: str
    by: str
    at_us: int
    age_s: float
    options: JobOptions
    taken: list[Step] = []
    progress: Step | None = None
    done: list[Step] = []
    failed: Step | None = None

    @property
    def finished(self) -> frozenset[int]:
        return frozenset[int]().union(*(step.partitions for step in self.done))

    @property
    def has_expired(self) -> bool:
        """Whether it was not taken up in time."""
        return self.kind in EXPIRING and not self.taken and self.age_s > EXPIRES_S

    def state(self, partitions: int) -> State:
        if self.failed is not None or self.has_expired:
            return "failed"
        if self.done and self.finished >= self.needs(partitions):
            return "done"
        return "taken" if self.taken else "requested"

    def is_open(self, partitions: int) -> bool:
        """Return whether some of its work is left to do."""
        return self.state(partitions) in ("requested", "taken")

    def needs(self, partitions: int) -> frozenset[int]:
        """Return the partitions whose projectors have work to do."""
        return frozenset(range(partitions)) if self.kind in SHARED else frozenset((OWNER,))


def jobs_of(events: Iterable[JobEvent]) -> list[Job]:
    """Return the jobs of the kinds that this version knows, oldest first."""
    rows = sorted(events, key=lambda row: row.at_us)
    found: dict[UUID, Job] = {}
    for row in rows:
        if row.event == "requested" and row.kind in KINDS:
            kind, options = cast("Kind", row.kind), msgspec.json.decode(row.detail or "{}", type=JobOptions)
            found[row.id] = Job(row.id, kind, row.generation, row.by, row.at_us, row.age_us / 1e6, options)
    # A report may have an earlier time than its job, since each replica of a store has its own clock.
    for row in rows:
        if (job := found.get(row.id)) is not None:
            _add(job, row)
    return list(found.values())


def _add(job: Job, row: JobEvent) -> None:
    if row.event not in REPORTS:
        return
    report = msgspec.json.decode(row.detail or "{}", type=Report)
    step = Step(row.at_us, row.by, frozenset(row.partitions), report)
    if row.event == "taken":
        job.taken.append(step)
    elif row.event == "done":
        job.done.append(step)
    elif row.event == "progress":
        job.progress = step
    elif job.failed is None:
        job.failed = step


def new_job(kind: Kind, generation: str, by: str, options: JobOptions | None = None) -> dict[str, Any]:
    """Return the row of a new job, as the parameters of ``add_event.sql``."""
    return _row(uuid4(), "requested", kind, generation, by, [], options or JobOptions())


def report_of(
    job: Job, event: Event, by: str, partitions: Iterable[int] = (OWNER,), report: Report | None = None
) -> dict[str, Any]:
    """Return a row about a job, as the parameters of ``add_event.sql``."""
    return _row(job.id, event, job.kind, job.generation, by, sorted(partitions), report or Report())


def _row(
    id_: UUID, event: Event, kind: Kind, generation: str, by: str, partitions: Sequence[int], detail: Struct
) -> dict[str, Any]:
    said = {"by": by, "partitions": partitions, "detail": msgspec.json.encode(detail).decode()}
    return {"id": id_, "event": event, "kind": kind, "generation": generation, **said}


def load_jobs(client: Client) -> list[Job]:
    """Return the latest jobs, oldest first. ``client`` is on the control database."""
    found = client.query(read_sql("generations.jobs", "latest"), parameters={"limit": LOOKED_AT}).named_results()
    return jobs_of(JobEvent(**row) for row in found)


def add_job_event(client: Client, row: dict[str, Any]) -> None:
    """Append a row that `new_job` or `report_of` returned. ``client`` is on the control database."""
    client.command(read_sql("generations.jobs", "add_event"), parameters=row)
