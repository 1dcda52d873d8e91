"""Responses that several routes share, responses of the write side, and the error body.

Absent values are null, times are RFC 3339 in UTC with milliseconds.
"""

from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")


class Reply(Struct, Generic[T], frozen=True):
    """The body of every success."""

    data: T
    meta: dict[str, Any]


class ErrorBody(Struct, frozen=True):
    """The body of every error: a sentence, a code, details by field, and the request's id."""

    error: str
    code: str
    details: dict[str, Any]
    request_id: str


class ModelMetrics(Struct, frozen=True):
    """Running totals of a session."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    cost_usd: float = 0.0


class ModelUse(Struct, frozen=True):
    """Totals of one model in a session, and where its cost comes from: reported, measured, priced or unknown."""

    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost_usd: float
    cost_source: str


class Counts(Struct, frozen=True):
    """Counts of a session; the counting rules are in the API's reference."""

    events: int = 0
    prompts: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    tasks: int = 0
    subagents: int = 0
    compactions: int = 0
    unknown_events: int = 0


class ToolUse(Struct, frozen=True):
    """Use of one tool in a session."""

    tool_name: str
    calls: int
    errors: int
    total_duration_ms: int


class AgentUsage(Struct, frozen=True):
    """One agent's requests to models in a session; the main agent has neither id nor type."""

    agent_type: str | None
    agent_id: str | None
    requests: int
    tokens: int
    cost_usd: float


class SessionWork(Struct, frozen=True):
    """What a session achieved, as reported or measured, and its number of requests to models."""

    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    active_seconds: float = 0.0
    api_requests: int = 0
    api_errors: int = 0


class UsageOf(ModelMetrics, frozen=True, kw_only=True):
    """What a session used according to one source, in total and by model."""

    models: list[ModelUse]


class Usage(Struct, frozen=True):
    """What the client reported, and the sum of the measured requests; each is ``null`` if there is none.

    ``incomplete`` is present only if the report says that something may be missing from it.
    """

    reported: UsageOf | None
    measured: UsageOf | None
    incomplete: bool | UnsetType = UNSET


class Session(Struct, frozen=True, kw_only=True):
    """The whole session object: a conversation, its totals and its counts as of ``position`` in the log."""

    id: UUID
    org_id: str
    run_id: UUID | None
    thread_id: UUID
    parent_id: UUID | None
    relation: str | None
    external_id: str | None
    status: str
    outcome: str | None
    trigger: str
    sensitive: bool
    project_id: str | None
    repository_id: str | None
    repo: str | None
    remote_url: str | None
    component: str | None
    branch: str | None
    agent_name: str | None
    model: str | None
    user_id: str
    title: str | None
    summary: str | None
    started_at: str
    last_event_at: str | None
    ended_at: str | None
    duration_seconds: float | None
    model_metrics: ModelMetrics
    models: list[ModelUse]
    counts: Counts
    tools: list[ToolUse]
    usage: Usage
    agents: list[AgentUsage]
    work: SessionWork
    client: str | None
    client_version: str | None
    redactions: dict[str, int]
    position: str


class RejectedEvent(Struct, frozen=True):
    """A refused event of a batch: its index, and the reason."""

    index: int
    code: str
    error: str


class RecordedEvents(Struct, frozen=True):
    """The number of events of a batch that are durable, and the events that were refused."""

    accepted: int
    rejected: list[RejectedEvent]


class ChangedSession(Struct, frozen=True):
    """The accepted changes; fields that the request did not name are absent."""

    id: UUID
    title: str | None | UnsetType = UNSET
    summary: str | None | UnsetType = UNSET
    branch: str | None | UnsetType = UNSET
    agent_name: str | None | UnsetType = UNSET
    project_id: str | None | UnsetType = UNSET
    model_metrics: dict[str, Any] | None | UnsetType = UNSET


class EndedSession(Struct, frozen=True):
    """The end as requested; the first end in the log counts, and a read shows it."""

    id: UUID
    status: str
    ended_at: str
    outcome: str | None


class QueuedCompaction(Struct, frozen=True):
    """A requested digest of session ``id``; it is listed under ``compaction_id``, at first as queued."""

    id: UUID
    compaction_id: UUID
    status: str


class RedrivenDeadLetter(Struct, frozen=True):
    """The position of the dead letter, and the position at which its record was appended again."""

    position: str
    redriven_to: str
    session_id: UUID
