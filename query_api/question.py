"""Every question that is asked of the store: its SQL file, its parameters, and what a row of the answer holds.

Parameters are named as the file's placeholders, row fields as its columns. Money is nano-dollars, names ending in
``_ms`` are milliseconds since 1970, or durations.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from schemas.store.rows import ModelTotals, ToolTotals

P = TypeVar("P", bound=Struct)
R = TypeVar("R", bound=Struct)


class Question(NamedTuple, Generic[P, R]):
    """The SQL file ``<package>.<file>``, with the parameters it takes and the rows it gives."""

    name: str
    params: type[P]
    row: type[R]


class NoParams(Struct, frozen=True):
    """A question about everything."""


class LiveGenerationRow(Struct, frozen=True):
    """The generation that readers use."""

    name: str
    partitions: int


class ProgressRow(Struct, frozen=True):
    """How far the projection of one partition has come, and up to when (ms since 1970) that is everything."""

    log_partition: int
    projected: int
    log_end: int
    complete_through: int


class SessionsById(Struct, frozen=True):
    """These sessions, as far as they are of this org; ``started_hours`` are all of theirs, or none if not known."""

    org_id: str
    session_ids: list[UUID]
    started_hours: list[int]
    with_prompts: bool


class SessionRow(Struct, frozen=True):
    """The whole state of a session as of log position (``log_partition``, ``version - 1``)."""

    session_id: UUID
    org_id: str
    version: int
    log_partition: int
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
    started_ms: int
    last_event_ms: int | None
    ended_ms: int | None
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
    redactions: Mapping[str, int]
    first_prompts: list[str]  # only if they were asked for, each up to a length


class Matching(Struct, frozen=True):
    """Sessions of an org. ``None`` filters nothing; ``own_user_id`` is set for who sees only their own."""

    org_id: str
    own_user_id: str | None
    user_id: str | None
    project_id: str | None
    repo: str | None
    agent_name: str | None
    model: str | None
    trigger: str | None
    outcome: str | None
    ended: bool | None
    external_id: str | None
    run_id: UUID | None
    thread_id: UUID | None
    started_after: datetime | None
    started_before: datetime | None


class SessionsPage(Matching, frozen=True):
    """A page of them, in one of the orders that the file knows."""

    sort: str
    limit: int
    offset: int


class Found(Struct, frozen=True):
    """A session, by its key within the org. The hour (s since 1970) is what makes it quick to find again."""

    session_id: UUID
    started_hour_s: int


class SessionsPageRow(Found, frozen=True):
    """One session of the page, and how many match in all."""

    total_count: int


class RunOf(Struct, frozen=True):
    """The run of a session; one without a run is its own. ``viewer_id`` is set for who sees only their own sessions."""

    org_id: str
    viewer_id: str | None
    session_id: UUID
    run_id: UUID | None
    limit: int


class RunConversationRow(Found, frozen=True):
    """One conversation of the run, and the totals of all of them."""

    total_sessions: int
    total_events: int
    total_tool_calls: int
    total_tokens: int
    total_cost_nano: int
    run_started_ms: int
    run_ended_ms: int | None


class TasksOfSessions(Struct, frozen=True):
    """What of these ``kinds`` is inside these sessions, ``limit_by`` of each and ``limit`` of all at most."""

    org_id: str
    session_ids: list[UUID]
    kinds: list[str]
    limit_by: int
    limit: int


class TaskRow(Struct, frozen=True):
    """A subagent, a task or a use of a tool, and how many of them its session has; what is absent is empty."""

    session_id: UUID
    kind: str
    task_id: str
    title: str
    status: str
    started_ms: int | None
    ended_ms: int | None
    duration_ms: int | None
    agent: str
    parent: str
    tool_calls: int
    nodes: int


class ThreadsPage(Matching, frozen=True):
    """A page of the threads with a match. ``viewer_id`` is set for who sees only their own sessions."""

    viewer_id: str | None
    limit: int
    offset: int


class ThreadsPageRow(Struct, frozen=True):
    """One thread, the totals of what the caller sees of it, and how many threads match in all."""

    thread_id: UUID
    thread_started_ms: int
    thread_last_event_ms: int | None
    total_sessions: int
    total_events: int
    total_tool_calls: int
    total_tokens: int
    total_cost_nano: int
    total_count: int


class ThreadConversations(Struct, frozen=True):
    """The conversations of these threads, as far as the caller sees them."""

    org_id: str
    viewer_id: str | None
    thread_ids: list[UUID]
    limit_by: int


class ThreadConversationRow(Found, frozen=True):
    """A conversation and its thread."""

    thread_id: UUID


class ValuesThatOccur(Struct, frozen=True):
    """In the sessions of an org, or of ``viewer_id`` alone; ``limit_by`` of each list."""

    org_id: str
    viewer_id: str | None
    limit_by: int


class ValueRow(Struct, frozen=True):
    """A member of one of the lists `projects`, `repos`, `agents`, `users` and `models`."""

    list: str
    member: str


class EventsPage(Struct, frozen=True):
    """Hook events of a session from a place in the log (``version_max``) on; ``None`` filters nothing."""

    org_id: str
    session_id: UUID
    event_type: str | None
    tool_name: str | None
    agent_id: str | None
    after: datetime | None
    before: datetime | None
    version_max: int
    limit: int


class EventsPageRow(Struct, frozen=True):
    """One event of the page, by its identity, and the size of its payload."""

    event_id: UUID
    version: int
    bytes: int


class EventsWhole(Struct, frozen=True):
    """These events of a session, each in the version that counts."""

    org_id: str
    session_id: UUID
    event_ids: list[UUID]
    versions: list[int]


class EventWholeRow(Struct, frozen=True):
    """A hook event; ``data`` is the client's bytes."""

    event_id: UUID
    event_type: str
    timestamp_ms: int
    received_ms: int
    seq: int | None
    tool: str | None
    agent: str | None
    data: bytes
    log_partition: int
    log_offset: int


class SearchPage(SessionsPage, frozen=True):
    """A page of those that have all of these words, and these phrases (as `kernel.words` keeps them)."""

    words: list[str]
    phrases: list[str]


class OneSession(Struct, frozen=True):
    """A session of an org."""

    org_id: str
    session_id: UUID


class CompactionsPage(OneSession, frozen=True):
    """A page of the digests that were asked for."""

    limit: int
    offset: int


class CompactionRow(Struct, frozen=True):
    """A request for a digest, what came of it if it ``is_made``, and how many requests there are in all."""

    compaction_id: UUID
    requested_ms: int
    is_made: bool
    covered_events: int
    digest: str
    total_count: int


class AnalysisRow(Struct, frozen=True):
    """JSON of `schemas.findings.Findings`."""

    findings: str


class OrgDays(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org."""

    org_id: str
    since: datetime
    until: datetime


class Slice(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org, cut by dimensions; ``None`` cuts nothing."""

    org_id: str
    since: datetime
    until: datetime
    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str | None


class SummaryRow(Struct, frozen=True):
    """Totals."""

    sessions: int
    ended: int
    failed: int
    duration_ms: int
    tool_calls: int
    tool_errors: int
    users: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cost_nano: int


class Timeseries(OrgDays, frozen=True):
    """One metric by period."""

    interval: str
    metric: str


class TimeseriesSlice(Slice, frozen=True):
    """One metric by period, of a slice; ``model`` makes sense for cost and tokens only."""

    interval: str
    metric: str
    model: str | None


class PeriodRow(Struct, frozen=True):
    """A period in which something happened; it starts ``period_start`` seconds after 1970."""

    period_start: int
    value: int


class AgentRow(Struct, frozen=True):
    """An agent, or the sessions without one."""

    agent_name: str | None
    sessions: int
    ended: int
    duration_ms: int
    tool_calls: int
    tool_errors: int
    users: int
    tokens: int
    cost_nano: int


class CostSlice(Slice, frozen=True):
    """A slice, also by model. ``viewer_id`` is set for who may see no names of other people."""

    model: str | None
    viewer_id: str | None


class CostRow(Struct, frozen=True):
    """A member of one of the lists `total`, `model`, `project` and `user`."""

    list: str
    member: str | None
    sessions: int
    tokens: int
    cost_nano: int


class TeamSlice(Slice, frozen=True):
    """A slice, and the time ``[previous_since, since)`` before it."""

    previous_since: datetime


class TeamPeriodRow(Struct, frozen=True):
    """Totals of one of the two periods."""

    is_current: bool
    users: int
    sessions: int
    success: int
    failure: int
    timeout: int
    cancelled: int
    tokens: int
    cost_nano: int


class SliceTop(Slice, frozen=True):
    """The first ``limit`` of what a slice is made of."""

    limit: int


class TopRow(Struct, frozen=True):
    """A member of one of the lists `agent` and `project`."""

    list: str
    member: str | None
    sessions: int
    tokens: int
    cost_nano: int


class HourRow(Struct, frozen=True):
    """An hour of a day of the week (0: Monday) in which sessions started."""

    weekday: int
    hour: int
    sessions: int


class SlicePage(Slice, frozen=True):
    """A page of what a slice is made of."""

    limit: int
    offset: int


class UserRow(Struct, frozen=True):
    """A user, and how many there are in all."""

    user_id: str
    sessions: int
    ended: int
    duration_ms: int
    tokens: int
    cost_nano: int
    last_active_ms: int
    top_agent: str | None
    total_count: int


LIVE_GENERATION = Question("query_api.live_generation", NoParams, LiveGenerationRow)
PROGRESS = Question("query_api.progress", NoParams, ProgressRow)
SESSIONS_BY_ID = Question("query_api.sessions.by_id", SessionsById, SessionRow)
SESSIONS_PAGE = Question("query_api.sessions.list", SessionsPage, SessionsPageRow)
RUN_CONVERSATIONS = Question("query_api.sessions.run_conversations", RunOf, RunConversationRow)
TASKS_OF_SESSIONS = Question("query_api.sessions.tasks_of_sessions", TasksOfSessions, TaskRow)
THREADS_PAGE = Question("query_api.sessions.threads", ThreadsPage, ThreadsPageRow)
THREAD_CONVERSATIONS = Question("query_api.sessions.thread_conversations", ThreadConversations, ThreadConversationRow)
FILTER_VALUES = Question("query_api.sessions.filter_values", ValuesThatOccur, ValueRow)
EVENTS_PAGE = Question("query_api.sessions.events_page", EventsPage, EventsPageRow)
EVENTS_WHOLE = Question("query_api.sessions.events_by_id", EventsWhole, EventWholeRow)
SEARCH_PAGE = Question("query_api.sessions.search", SearchPage, SessionsPageRow)
COMPACTIONS_PAGE = Question("query_api.sessions.compactions", CompactionsPage, CompactionRow)
ANALYSIS = Question("query_api.sessions.analysis", OneSession, AnalysisRow)
SUMMARY = Question("query_api.analytics.summary", OrgDays, SummaryRow)
SUMMARY_BY_DIMENSION = Question("query_api.analytics.summary_by_dimension", Slice, SummaryRow)
TIMESERIES = Question("query_api.analytics.timeseries", Timeseries, PeriodRow)
TIMESERIES_BY_DIMENSION = Question("query_api.analytics.timeseries_by_dimension", TimeseriesSlice, PeriodRow)
BY_AGENT = Question("query_api.analytics.by_agent", Slice, AgentRow)
COST_BREAKDOWN = Question("query_api.analytics.cost_breakdown", CostSlice, CostRow)
BY_USER = Question("query_api.analytics.by_user", SlicePage, UserRow)
TEAM_PERIODS = Question("query_api.analytics.team_periods", TeamSlice, TeamPeriodRow)
TEAM_TOPS = Question("query_api.analytics.team_tops", SliceTop, TopRow)
BUSIEST_HOURS = Question("query_api.analytics.busiest_hours", Slice, HourRow)
