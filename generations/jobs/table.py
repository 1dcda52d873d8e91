"""The control channel: requests for work by the installation's processes, and reports about that work.

Everything goes through one append-only table in the control database. The processes that own the work poll it
every two seconds: no signals and no files, so it works across machines. Every projector of a generation does its part
of a `repair`, for its own partitions. All other work belongs to one process: the projector that follows partition 0, or
the one that may create and drop databases (`PROVISIONED`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast, get_args
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from store.connect import Client
from store.sql import read_sql

Kind = Literal["repair", "replay", "prove", "switch", "drop", "pause", "resume"]
Event = Literal["requested", "taken", "progress", "done", "failed"]
State = Literal["requested", "taken", "done", "failed"]
KINDS = frozenset[str](get_args(Kind))
REPORTS = frozenset(("taken", "progress", "done", "failed"))
SHARED: frozenset[Kind] = frozenset({"repair"})  # by all projectors of a generation
PROVISIONED: frozenset[Kind] = frozenset({"replay", "drop"})  # need the right to create and drop databases
# These change what readers see, so they expire: later, the operator would no longer expect the change.
EXPIRING: frozenset[Kind] = frozenset({"switch", "pause", "resume"})
EXPIRES_S = 60.0
LOOKED_AT = 200  # how many of the latest requests the processes look at
OWNER = 0  # the projector of this partition does what is not shared


class RequestOptions(Struct, frozen=True, omit_defaults=True):
    """``rate`` limits a replay, in events a second (0: no limit)."""

    rate: int = 0
    accept_differences: bool = False


class Report(Struct, frozen=True, omit_defaults=True):
    """A process's report: the share done (0 to 1), a text (what it is doing, or why it failed), and the result."""

    share: float | None = None
    text: str = ""
    result: dict[str, Any] = {}


class RequestEvent(Struct, frozen=True):
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
    """What one process reported about a request."""

    at_us: int
    by: str
    partitions: frozenset[int]
    report: Report


class Request(Struct):
    """A request, and all reports about it."""

    id: UUID
    kind: Kind
    generation: str
    by: str
    at_us: int
    age_s: float
    options: RequestOptions
    taken: list[Step] = []
    progress: Step | None = None
    done: list[Step] = []
    failed: Step | None = None

    @property
    def finished(self) -> frozenset[int]:
        """The partitions whose work is done."""
        return frozenset[int]().union(*(step.partitions for step in self.done))

    @property
    def has_expired(self) -> bool:
        """Whether it was not taken up in time."""
        return self.kind in EXPIRING and not self.taken and self.age_s > EXPIRES_S

    def state(self, partitions: int) -> State:
        """Return the state, given the number of partitions of the log."""
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


def requests_of(events: Iterable[RequestEvent]) -> list[Request]:
    """Return the requests of the kinds that this version knows, oldest first.

    A report may have an earlier time than its request, since each replica of a store has its own clock.
    """
    rows = sorted(events, key=lambda row: row.at_us)
    found = {row.id: _requested(row) for row in rows if row.event == "requested" and row.kind in KINDS}
    for row in rows:
        if (request := found.get(row.id)) is not None:
            _add(request, row)
    return list(found.values())


def _requested(row: RequestEvent) -> Request:
    options = msgspec.json.decode(row.detail or "{}", type=RequestOptions)
    kind = cast("Kind", row.kind)
    return Request(row.id, kind, row.generation, row.by, row.at_us, row.age_us / 1e6, options)


def _add(request: Request, row: RequestEvent) -> None:
    if row.event not in REPORTS:
        return
    report = msgspec.json.decode(row.detail or "{}", type=Report)
    step = Step(row.at_us, row.by, frozenset(row.partitions), report)
    if row.event == "taken":
        request.taken.append(step)
    elif row.event == "done":
        request.done.append(step)
    elif row.event == "progress":
        request.progress = step
    elif request.failed is None:
        request.failed = step


def new_request(kind: Kind, generation: str, by: str, options: RequestOptions | None = None) -> dict[str, Any]:
    """Return the row of a new request, as the parameters of ``request_event.sql``."""
    detail = msgspec.json.encode(options or RequestOptions()).decode()
    return {
        "id": uuid4(),
        "event": "requested",
        "kind": kind,
        "generation": generation,
        "by": by,
        "partitions": [],
        "detail": detail,
    }


def report_of(
    request: Request, event: Event, by: str, partitions: Iterable[int] = (OWNER,), report: Report | None = None
) -> dict[str, Any]:
    """Return a row about a request, as the parameters of ``request_event.sql``."""
    return {
        "id": request.id,
        "event": event,
        "kind": request.kind,
        "generation": request.generation,
        "by": by,
        "partitions": sorted(partitions),
        "detail": msgspec.json.encode(report or Report()).decode(),
    }


def load_requests(client: Client, limit: int = LOOKED_AT) -> list[Request]:
    """Return the latest requests, oldest first. ``client`` is on the control database."""
    found = client.query(read_sql("generations.jobs", "requests"), parameters={"limit": limit}).named_results()
    return requests_of(RequestEvent(**row) for row in found)


def add_request_event(client: Client, row: dict[str, Any]) -> None:
    """Append a row that `new_request` or `report_of` returned. ``client`` is on the control database."""
    client.command(read_sql("generations.jobs", "request_event"), parameters=row)
