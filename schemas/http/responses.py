"""Responses that several routes share, responses of the write side, and the error body.

Absent values are null, times are RFC 3339 in UTC with milliseconds.
"""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from schemas.http import fields
from schemas.http.fields import SESSION_ID, doc
from schemas.http.requests import ToErase

T = TypeVar("T")
S = TypeVar("S", bound=Struct)


class Reply(Struct, Generic[T], frozen=True):
    """The body of every success."""

    data: T
    meta: dict[str, Any]


def from_row(kind: type[S], row: object, **others: Any) -> S:
    """Return a response with the ``others``; its remaining fields are the row's attributes of the same names."""
    same = {name: getattr(row, name) for name in kind.__struct_fields__ if name not in others}
    return kind(**same, **others)


class ErrorBody(Struct, frozen=True):
    """The body of every error: a sentence, a code, details by field, and the request's id."""

    error: Annotated[str, doc("What is wrong, in one sentence.", "There is nothing at this address.")]
    code: Annotated[str, doc("Machine-readable error code.", "not_found")]
    details: Annotated[dict[str, Any], doc("Errors by field.", {"per_page": ["must be at most 100"]})]
    request_id: Annotated[str, doc("Request id, as in `X-Request-Id`.", "cli-7f3a")]


class ModelMetrics(Struct, frozen=True):
    """Running totals of a session."""

    input_tokens: fields.InputTokens = 0
    output_tokens: fields.OutputTokens = 0
    cache_read_tokens: fields.CacheReadTokens = 0
    cache_creation_tokens: fields.CacheCreationTokens = 0
    cache_creation_1h_tokens: fields.CacheCreation1hTokens = 0
    cost_usd: fields.CostUsd = 0.0


class ModelUse(Struct, frozen=True):
    """Totals of one model in a session, and where its cost comes from: reported, measured, priced or unknown."""

    model: fields.Model
    input_tokens: fields.InputTokens
    output_tokens: fields.OutputTokens
    cache_read_tokens: fields.CacheReadTokens
    cache_creation_tokens: fields.CacheCreationTokens
    cache_creation_1h_tokens: fields.CacheCreation1hTokens
    cost_usd: fields.CostUsd
    cost_source: Annotated[str, doc("Where the cost comes from.", values="reported measured priced unknown")]


class Counts(Struct, frozen=True):
    """Counts of a session; the counting rules are in the API's reference."""

    events: fields.Events = 0
    prompts: Annotated[int, doc("Number of user prompts.", 4)] = 0
    tool_calls: fields.ToolCalls = 0
    tool_errors: Annotated[int, doc("Number of tool calls that failed.", 2)] = 0
    tasks: Annotated[int, doc("Number of tasks that were created or completed.", 3)] = 0
    subagents: Annotated[int, doc("Number of subagents that worked in the session.", 1)] = 0
    compactions: Annotated[int, doc("Number of context compactions.", 0)] = 0
    unknown_events: fields.UnknownEvents = 0


class ToolUse(Struct, frozen=True):
    """Use of one tool in a session."""

    tool_name: fields.ToolName
    calls: fields.Calls
    errors: fields.Errors
    total_duration_ms: fields.TotalDurationMs


class AgentUsage(Struct, frozen=True):
    """One agent's requests to models in a session; the main agent has neither id nor type."""

    agent_type: fields.AgentType | None
    agent_id: fields.AgentId | None
    requests: Annotated[int, doc("Number of requests to models.", 12)]
    tokens: fields.Tokens
    cost_usd: fields.CostUsd


class SessionWork(Struct, frozen=True):
    """What a session achieved, as reported or measured, and its number of requests to models."""

    lines_added: fields.LinesAdded = 0
    lines_removed: fields.LinesRemoved = 0
    commits: fields.Commits = 0
    pull_requests: fields.PullRequests = 0
    active_seconds: fields.ActiveSeconds = 0.0
    api_requests: Annotated[int, doc("Number of requests to models that were measured.", 21)] = 0
    api_errors: Annotated[int, doc("Number of requests to models that failed.", 0)] = 0


class UsageOf(ModelMetrics, frozen=True, kw_only=True):
    """What a session used according to one source, in total and by model."""

    models: Annotated[list[ModelUse], doc("The same totals for each model.")]


class Usage(Struct, frozen=True):
    """What the client reported, and the sum of the measured requests; each is ``null`` if there is none.

    ``incomplete`` is present only if the report says that something may be missing from it.
    """

    reported: Annotated[UsageOf | None, doc("The client's latest report; null if there is none that counts.")]
    measured: Annotated[UsageOf | None, doc("The sum of the session's requests to models; null if there are none.")]
    incomplete: Annotated[bool | UnsetType, doc("Present if something may be missing from the report.", True)] = UNSET


class Spent(Struct, frozen=True):
    """What a session spent in a range of time."""

    tokens: fields.Tokens
    cost_usd: fields.CostUsd


class Session(Struct, frozen=True, kw_only=True):
    """The whole session object: a conversation, its totals and its counts as of ``position`` in the log."""

    id: fields.Id
    org_id: fields.OrgId
    run_id: fields.RunId | None
    thread_id: fields.ThreadId
    parent_id: Annotated[UUID, doc("Session that this one continues.", SESSION_ID)] | None
    relation: Annotated[str, doc("How it continues its parent.", values="resume fork clear compact")] | None
    external_id: fields.ExternalId | None
    status: fields.Status
    outcome: fields.Outcome | None
    trigger: Annotated[str, doc("Origin of the session.", values="interactive headless scheduled import")]
    sensitive: fields.Sensitive
    project_id: fields.ProjectId | None
    repository_id: fields.RepositoryId | None
    repo: fields.Repo | None
    remote_url: fields.RemoteUrl | None
    component: fields.Component | None
    branch: fields.Branch | None
    agent_name: fields.AgentName | None
    model: fields.Model | None
    user_id: fields.UserId
    title: fields.Title | None
    summary: fields.Summary | None
    started_at: fields.StartedAt
    last_event_at: fields.LastEventAt | None
    ended_at: fields.EndedAt | None
    duration_seconds: Annotated[float | None, doc("Seconds from start to end, or to the last event.", 812.4)]
    model_metrics: Annotated[ModelMetrics, doc("The latest report of totals.")]
    models: Annotated[list[ModelUse], doc("The same totals for each model.")]
    counts: Annotated[Counts, doc("Counts of what happened in the session.")]
    tools: Annotated[list[ToolUse], doc("Usage of each tool.")]
    usage: Annotated[Usage, doc("What the session used, by source. A report takes precedence over measured requests.")]
    agents: Annotated[list[AgentUsage], doc("Requests to models by agent; the main agent has neither id nor type.")]
    work: Annotated[SessionWork, doc("What the session achieved so far.")]
    client: Annotated[str | None, doc("Coding agent that reported the session; null for other clients.", "claude-code")]
    client_version: fields.ClientVersion | None
    redactions: Annotated[dict[str, int], doc("Secrets replaced before storage, by rule.", {"aws_access_key": 1})]
    position: Annotated[str, doc("Log position up to which every record is included.", "2:1841")]
    spent: Annotated[Spent | UnsetType, doc("Spent in the time of a list with `spent_after` or `spent_before`.")] = (
        UNSET
    )


class RejectedEvent(Struct, frozen=True):
    """A refused event of a batch: its index, and the reason."""

    index: Annotated[int, doc("Index of the event in the request, starting at 0.", 3)]
    code: Annotated[str, doc("Machine-readable reason for the rejection.", "timestamp_out_of_range")]
    error: Annotated[str, doc("Reason for the rejection, in words.", "timestamp is more than 24 hours ahead")]


class RecordedEvents(Struct, frozen=True):
    """The number of events of a batch that are durable, and the events that were refused."""

    accepted: Annotated[int, doc("Number of events that are now durable in the log.", 99)]
    rejected: Annotated[list[RejectedEvent], doc("Events that were rejected.")]


class ChangedSession(Struct, frozen=True):
    """The accepted changes; fields that the request did not name are absent."""

    id: fields.Id
    title: fields.Title | None | UnsetType = UNSET
    summary: fields.Summary | None | UnsetType = UNSET
    branch: fields.Branch | None | UnsetType = UNSET
    agent_name: fields.AgentName | None | UnsetType = UNSET
    project_id: fields.ProjectId | None | UnsetType = UNSET
    model_metrics: Annotated[dict[str, Any] | None | UnsetType, fields.MODEL_METRICS] = UNSET


class EndedSession(Struct, frozen=True):
    """The end as requested; the first end in the log counts, and a read shows it."""

    id: fields.Id
    status: fields.Status
    ended_at: fields.EndedAt
    outcome: fields.Outcome | None


class QueuedCompaction(Struct, frozen=True):
    """A requested digest of session ``id``; it is listed under ``compaction_id``, at first as queued."""

    id: fields.Id
    compaction_id: fields.CompactionId
    status: Annotated[str, doc("The digest is made in the background.", values="queued")]


class NewSignInCode(Struct, frozen=True):
    """A code that can be exchanged once, within an hour."""

    code: Annotated[str, doc("Code for the fragment of a link: `/#code=…`.", "Xk9vG2dT4bQ1rZ8sLw0aYA")]


class RequestedErasure(Struct, frozen=True):
    """An erasure that is in the log. Once its positions are projected, nothing shows what it erases."""

    id: fields.ErasureId
    subject: Annotated[ToErase, doc("What is erased.", {"kind": "session", "session_id": SESSION_ID})]
    state: Annotated[str, doc("The erasure is durable.", values="recorded")]


class RedrivenDeadLetter(Struct, frozen=True):
    """The position of the dead letter, and the position at which its record was appended again."""

    position: Annotated[str, doc("Log position of the dead letter.", "2:1841")]
    redriven_to: Annotated[str, doc("Log position of the new copy of the record.", "2:1990")]
    session_id: Annotated[UUID, doc("Session id, as returned by create. In the hierarchy: a conversation.", SESSION_ID)]
