"""The records of the log: one frozen tagged struct for each kind.

An accepted request becomes a record. A record holds one fact, or up to 5,000 of them (`EventsRecorded`); a fact is a
row of `facts`. Prices that operators load are in the log too, in records without facts. All times are integers,
milliseconds since 1970 in UTC; money is integer nano-dollars. Fields that are added later have defaults, unknown fields
are tolerated, and every version that was ever written can be decoded.

An erasure is a record, too: `RecordsErased` or `PositionsErased` says what projectors erase, one in each partition
concerned. A stub, `Erased`, takes the place of a record that was erased: offsets stay dense, and the position keeps its
key, its time and its receipt.
"""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, Raw, Struct, UnsetType, field

from schemas.log.price import Price

VERSION = 1
NO_ID = UUID(int=0)
EVENTS_RECORDED = "events_recorded"  # the kind of the records and facts of hook events
# The session id of prices, which belong to no session. With one key, all of them are in one partition, in order.
PRICES_ID = UUID("70726963-6573-4000-8000-000000000000")


class Actor(Struct, frozen=True):
    """Who sent the request, from the token."""

    user_id: str
    role: str


class ModelUsage(Struct, frozen=True, omit_defaults=True):
    """Running totals of one model. ``model`` None: the session's own model. ``cost_nano`` None: none was reported."""

    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    cost_nano: int | None = None


class WorkTotals(Struct, frozen=True, omit_defaults=True):
    """What a session achieved so far; ``active_ms`` is the time in which the agent or its user was active."""

    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    active_ms: int = 0


class MetricsReport(Struct, frozen=True, omit_defaults=True):
    """The session's running totals as of one moment; a later report replaces an earlier one entirely.

    ``work`` None: the report says nothing about it. ``is_incomplete``: the client knows that something may be missing.
    """

    models: tuple[ModelUsage, ...] = ()
    reported_at: int | None = None
    work: WorkTotals | None = None
    is_incomplete: bool = False


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """One hook event. ``data`` holds the client's bytes; ``redactions`` counts the secrets cut out of it, by rule.

    Lone surrogates are valid JSON but not valid text, so a stored record has a payload with them in ``data_base64``.
    `codec` moves the bytes: in Python, ``data`` is always the payload.
    """

    event_id: UUID
    event_type: str
    timestamp: int
    data: Raw
    seq: int | None = None
    redactions: dict[str, int] = {}
    data_base64: bytes | None = field(default=None, name="odd_data")  # the name in stored records


class Redrive(Struct, frozen=True):
    """A dead letter was appended again: the position of the first record, who did it, and when (ms)."""

    position: str
    by: str
    at: int


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """The fields of every record: its identity, its org and session, who sent it, and when it was received."""

    v: int
    record_id: UUID
    org_id: str
    session_id: UUID
    actor: Actor
    received_at: int
    source: str = "api"
    redrive: Redrive | None = None


class LifecycleRecord(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A request with one fact: ``fact_id`` is its identity, ``redactions`` counts the secrets cut out of its texts."""

    fact_id: UUID
    redactions: dict[str, int] = {}


class SessionCreated(LifecycleRecord, frozen=True, kw_only=True, omit_defaults=True, tag="session_created"):
    """A conversation began. If a session has two of these, the first in the log wins.

    ``client``: the agent, if an agent endpoint created the session when it first saw it.
    """

    run_id: UUID
    parent_id: UUID | None = None
    relation: str | None = None
    external_id: str | None = None
    trigger: str | None = None
    repository_id: str | None = None
    remote_url: str | None = None
    repo: str | None = None
    component: str | None = None
    project_id: str | None = None
    agent_name: str | None = None
    model: str | None = None
    branch: str | None = None
    title: str | None = None
    started_at: int | None = None
    client: str | None = None


class SessionDescribed(LifecycleRecord, frozen=True, kw_only=True, omit_defaults=True, tag="session_described"):
    """What an agent's client says about a session that it reports, for fields that were not given otherwise.

    Each agent endpoint knows only some of these fields, and any endpoint may be the first to see a session. So they
    create a session with nothing but its client, and this record follows. None: the client does not say.
    """

    client: str
    client_version: str | None = None
    trigger: str | None = None
    parent_id: UUID | None = None
    relation: str | None = None
    remote_url: str | None = None
    repo: str | None = None
    branch: str | None = None


class EventsRecorded(Record, frozen=True, kw_only=True, omit_defaults=True, tag=EVENTS_RECORDED):
    """Hook events of one session, in the order in which the client sent them.

    ``client``: the agent that sent these payloads, if they are in its own format (see `agents`).
    """

    events: tuple[Event, ...]
    client: str | None = None


class MetricsReported(LifecycleRecord, frozen=True, kw_only=True, omit_defaults=True, tag="metrics_reported"):
    """A report of running totals."""

    report: MetricsReport


class SessionChanged(LifecycleRecord, frozen=True, kw_only=True, omit_defaults=True, tag="session_changed"):
    """Some fields were set, or cleared with None; UNSET fields stay. There may also be a report of totals."""

    title: str | None | UnsetType = UNSET
    summary: str | None | UnsetType = UNSET
    branch: str | None | UnsetType = UNSET
    agent_name: str | None | UnsetType = UNSET
    project_id: str | None | UnsetType = UNSET
    report: MetricsReport | None = None


Outcome = Literal["success", "failure", "timeout", "cancelled"]


class SessionEnded(LifecycleRecord, frozen=True, kw_only=True, omit_defaults=True, tag="session_ended"):
    """The session ended; the first end wins for ``ended_at`` and ``outcome``, a later one may bring newer totals."""

    outcome: Outcome | None = None
    summary: str | None = None
    ended_at: int | None = None
    report: MetricsReport | None = None


class CompactionRequested(LifecycleRecord, frozen=True, kw_only=True, omit_defaults=True, tag="compaction_requested"):
    """A digest of the session as of now was requested."""

    instructions: str | None = None
    max_characters: int | None = None


class PricesLoaded(Record, frozen=True, kw_only=True, omit_defaults=True, tag="prices_loaded"):
    """Prices were added to the price history, at ``loaded_us`` by the store's clock (microseconds since 1970).

    The org is the operator's, the session `PRICES_ID`. ``new_generations_only``: they may begin in the past.
    ``begins_history``: the installation had no prices before, not even the list that comes with its version.
    """

    prices: tuple[Price, ...]
    loaded_us: int
    new_generations_only: bool = False
    begins_history: bool = False


class RecordsErased(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="records_erased"):
    """All records of some sessions of an org are erased in this partition, or all of the org: no ``sessions``.

    That includes later ones. The key is that of the partition's erasures (`schemas.log.topics.erasures_id`), as
    ``session_id``. The record names no user, not even the one who requested the erasure; ``reason`` is a ticket.
    ``now``: it is swept at once.
    """

    v: int
    record_id: UUID
    erasure: UUID
    org_id: str
    session_id: UUID
    received_at: int
    sessions: tuple[UUID, ...] = ()
    reason: str = ""
    now: bool = False


class PositionsErased(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="positions_erased"):
    """The records of an org at these ``offsets`` of this partition are erased. They rise, and are below this one's.

    Their sessions become what they would be without them. Offsets only mean something in a log with as many
    ``partitions``. The key is as that of `RecordsErased`, and the record names no user either.
    """

    v: int
    record_id: UUID
    erasure: UUID
    org_id: str
    session_id: UUID
    received_at: int
    partitions: int
    offsets: tuple[int, ...]
    reason: str = ""
    now: bool = False


AnyErasure = RecordsErased | PositionsErased
SessionRecord = (
    SessionCreated
    | SessionDescribed
    | MetricsReported
    | SessionChanged
    | SessionEnded
    | CompactionRequested
    | EventsRecorded
)


class Erased(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="erased"):
    """What is left of an erased record: the id of the erasure, and the record's org and session.

    The org is empty and the session is `NO_ID` if the record could not be decoded.
    """

    v: int
    erasure: UUID
    org_id: str = ""
    session_id: UUID = NO_ID


AnyRecord = SessionRecord | PricesLoaded | AnyErasure | Erased
