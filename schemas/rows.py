"""One struct per table; field order = column order, so a row can be written as RowBinary without naming columns.

Times are milliseconds since 1970 (the tables' DateTime64(3)), hours and days are seconds since 1970 (DateTime), money
is nano-dollars. ``None`` is NULL.
"""

from typing import NamedTuple
from uuid import UUID

from msgspec import Struct


class EventRow(Struct, gc=False):
    """A fact, hook event or lifecycle request, with the typed columns that fold and reads need."""

    org_id: str
    session_id: UUID
    event_id: UUID
    version: int  # 2^64-1-(offset·2^16+index): of two writes of one event id the first in the log wins
    timestamp: int
    received_at: int
    log_partition: int
    log_offset: int
    log_index: int
    kind: str  # of the record: events_recorded, session_created, …
    event_type: str  # of a hook event, else ""
    user_id: str
    role: str
    tool_name: str
    tool_use_id: str
    agent_id: str
    agent_type: str
    task_id: str
    label: str  # a task's subject or a prompt, the first 200 characters
    model: str
    seq: int | None
    duration_ms: int | None
    redactions: dict[str, int]
    data: bytes  # a hook event's payload verbatim, a lifecycle request's record


class ModelTotals(NamedTuple):
    """Running totals of one model in a session."""

    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost_nano: int
    cost_source: str  # reported | priced | unknown


class ToolTotals(NamedTuple):
    """Use of one tool in a session."""

    tool_name: str
    calls: int
    errors: int
    duration_ms: int


class SessionRow(Struct):
    """The whole state of a session as of log position (``log_partition``, ``version - 1``)."""

    org_id: str
    started_hour: int
    session_id: UUID
    version: int
    log_partition: int
    created: bool
    thread_id: UUID
    run_id: UUID | None
    parent_id: UUID | None
    relation: str | None
    external_id: str | None
    trigger: str
    sensitive: bool
    user_id: str
    project_id: str | None
    repository_id: str | None
    repo: str | None
    remote_url: str | None
    component: str | None
    branch: str | None
    agent_name: str | None
    model: str | None
    title: str | None
    summary: str | None
    started_at: int
    last_event_at: int | None
    ended_at: int | None
    outcome: str | None
    duration_ms: int | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost_nano: int
    models: list[ModelTotals]
    events: int
    prompts: int
    tool_calls: int
    tool_errors: int
    tasks: int
    subagents: int
    compactions: int
    unknown_events: int
    tools: list[ToolTotals]
    redactions: dict[str, int]
    first_prompts: list[str]


class TaskRow(Struct):
    """A subagent, a task, or a pair of tool use."""

    org_id: str
    session_id: UUID
    kind: str  # subagent | task | tool
    task_id: str
    version: int
    log_partition: int
    name: str
    status: str  # running | completed | failed | unknown
    started_at: int | None
    ended_at: int | None
    duration_ms: int | None
    agent_type: str
    parent_task_id: str
    tool_calls: int


class RecordRow(Struct):
    """The receipt of one log record: everything derived from it exists."""

    log_partition: int
    log_offset: int
    record_id: UUID
    outcome: str  # projected | dead
    org_id: str
    session_id: UUID
    kind: str
    received_at: int
    facts: int
    added: int  # how many of them were new in their session


class DeadLetterRow(Struct):
    """A record that could not be projected, and why."""

    log_partition: int
    log_offset: int
    logged_at: int
    reason: str
    key: bytes
    value: bytes


class ProgressRow(Struct):
    """How far the projection of one partition has come, and up to when that is everything."""

    log_partition: int
    projected: int  # the next offset to project; the row's version, so that a late worker can't move it back
    log_end: int
    complete_through: int
