"""One struct per table. Rows are written as RowBinary in field order, with the columns named in that order.

Times are milliseconds since 1970 (the tables' DateTime64(3)), hours and days are seconds since 1970 (DateTime), money
is nano-dollars. ``None`` is NULL.
"""

from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Struct

UInt8 = Annotated[int, "UInt8"]
UInt16 = Annotated[int, "UInt16"]
UInt32 = Annotated[int, "UInt32"]
UInt64 = Annotated[int, "UInt64"]
Int64 = Annotated[int, "Int64"]
DateTime = Annotated[int, "UInt32"]
DateTime64 = Annotated[int, "Int64"]
SWEPT_AFTER_S = 86_400  # from the first erasure to the sweep that includes it
QUARTER_S, DAY_S = 900, 86_400  # the lengths of the buckets of `amounts` and `rollups`


class FactRow(Struct, gc=False):
    """A fact: a hook event or a lifecycle request, with the typed columns that fold and reads need."""

    org_id: str
    session_id: UUID
    kind: str  # of the record: events_recorded, session_created, …
    user_id: str
    role: str
    received_at: DateTime64
    log_partition: UInt16
    log_offset: UInt64  # the fields up to this one are the same for all facts of a record
    log_index: UInt16
    event_id: UUID
    place: UInt64  # in the log: offset·2^16 + index
    timestamp: DateTime64
    event_type: str  # of a hook event, else ""
    tool_name: str
    tool_use_id: str
    agent_id: str
    agent_type: str
    task_id: str
    label: str  # the first 200 characters of a task's subject or of a prompt
    model: str
    seq: Int64 | None
    duration_ms: Int64 | None
    redactions: dict[str, UInt32]
    data: bytes  # a hook event's payload verbatim, a lifecycle request's record
    is_deleted: UInt8 = 0  # 1: an earlier fact has the same id, so this one does not count and its data is empty
    parsed: bytes = b""  # what the fold needs beyond the other columns, see `processors.fold.parsed`
    words: bytes = b""  # for search: in the first fact of a record that counts, those of all its facts that count


class Usage(NamedTuple):
    """One request to a model: tokens, and nano-dollars where the client gave them. Input is without cache.

    It is a part of the column `parsed` of `facts`.
    """

    request_id: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost_nano: int | None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_creation_tokens


class ModelTotals(NamedTuple):
    """Running totals of one model in a session."""

    model: str
    input_tokens: UInt64
    output_tokens: UInt64
    cache_read_tokens: UInt64
    cache_creation_tokens: UInt64
    cache_creation_1h_tokens: UInt64
    cost_nano: Int64
    cost_source: str  # reported | measured | priced | unknown


class AgentTotals(NamedTuple):
    """One agent's requests to models in a session; the main agent has neither id nor type."""

    agent_id: str
    agent_type: str
    requests: UInt64
    tokens: UInt64
    cost_nano: Int64


class ToolTotals(NamedTuple):
    """Counters of one tool in a session."""

    tool_name: str
    calls: UInt64
    errors: UInt64
    duration_ms: UInt64


class ModelAmounts(NamedTuple):
    """What one model used in a bucket of time."""

    model: str
    input_tokens: Int64
    output_tokens: Int64
    cache_read_tokens: Int64
    cache_creation_tokens: Int64
    cache_creation_1h_tokens: Int64
    cost_nano: Int64


class ToolAmountsOf(NamedTuple):
    """What was counted for one tool in a bucket of time."""

    tool_name: str
    calls: Int64
    errors: Int64
    duration_ms: Int64


class AmountsRow(Struct):
    """What happened in a session in a quarter of an hour. Corrections may make any of it negative."""

    org_id: str
    bucket: DateTime
    session_id: UUID
    version: UInt64  # offset of the last record that changed it, + 1
    log_partition: UInt16
    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    models: list[ModelAmounts]
    tools: list[ToolAmountsOf]
    prompts: Int64
    api_requests: Int64
    api_errors: Int64
    lines_added: Int64
    lines_removed: Int64
    commits: Int64
    pull_requests: Int64
    active_ms: Int64
    is_erased: bool = False  # nothing but the place and the version of what was erased


class SessionColumns(Struct):
    """The state of a session as of log position (``log_partition``, ``version - 1``), as it is stored and read."""

    org_id: str
    session_id: UUID
    version: UInt64
    log_partition: UInt16
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
    outcome: str | None
    duration_ms: Int64 | None
    input_tokens: UInt64
    output_tokens: UInt64
    cache_read_tokens: UInt64
    cache_creation_tokens: UInt64
    cache_creation_1h_tokens: UInt64
    cost_nano: Int64
    models: list[ModelTotals]
    events: UInt64
    prompts: UInt64
    tool_calls: UInt64
    tool_errors: UInt64
    tasks: UInt64
    subagents: UInt64
    compactions: UInt64
    unknown_events: UInt64
    tools: list[ToolTotals]
    redactions: dict[str, UInt64]
    client: str | None
    client_version: str | None
    is_reported: bool  # ``models`` come from a report, else they were measured
    measured: list[ModelTotals]  # the sums of the requests to models
    agents: list[AgentTotals]
    api_requests: UInt64
    api_errors: UInt64
    lines_added: UInt64
    lines_removed: UInt64
    commits: UInt64
    pull_requests: UInt64
    active_ms: UInt64
    is_incomplete: bool  # the report says that something may be missing from ``models``


class SessionRow(SessionColumns):
    """The whole state of a session."""

    created: bool
    started_hour: DateTime
    started_at: DateTime64
    last_event_at: DateTime64 | None
    ended_at: DateTime64 | None
    first_prompts: list[str]
    search_text: str  # the words for search, see `schemas.words`
    measured_cost_nano: Int64  # of the requests whose cost the client gave
    is_work_reported: bool  # the work below comes from a report, else it was measured
    is_erased: bool = False  # nothing but the place and the version of what was erased


class TaskRow(Struct):
    """A subagent, a task, or a pair of tool use."""

    org_id: str
    session_id: UUID
    kind: str  # subagent | task | tool
    task_id: str
    version: UInt64
    log_partition: UInt16
    name: str
    status: str  # running | completed | failed | denied | cancelled | unknown
    started_at: DateTime64 | None
    ended_at: DateTime64 | None
    duration_ms: Int64 | None
    agent_type: str
    parent_task_id: str
    tool_calls: UInt64
    is_erased: bool = False  # nothing but the place and the version of what was erased


class CompactionRow(Struct):
    """A requested digest of the session as of log position (``log_partition``, ``version - 1``)."""

    org_id: str
    session_id: UUID
    compaction_id: UUID  # the request's fact id
    version: UInt64
    log_partition: UInt16
    covered_events: UInt64
    digest: str
    is_erased: bool = False  # the same


class AnalysisRow(Struct):
    """The findings of a session as of its latest end, at (``log_partition``, ``version - 1``)."""

    org_id: str
    session_id: UUID
    version: UInt64
    log_partition: UInt16
    covered_events: UInt64
    findings: bytes  # JSON of `schemas.findings.Findings`
    is_erased: bool = False  # the same


class ReceiptRow(Struct):
    """The receipt of one log record: everything derived from it exists."""

    log_partition: UInt16
    log_offset: UInt64
    record_id: UUID
    outcome: str  # projected | dead | erased
    org_id: str
    session_id: UUID
    kind: str
    received_at: DateTime64
    facts: UInt32
    added: UInt32  # how many of its facts were new in their session
    redrive_of: str  # the position of the dead letter that it repeats, else ""
    has_words: bool = True  # its facts have their words for search; False for what an earlier version projected


class DeadLetterRow(Struct):
    """A record that could not be projected, and why."""

    log_partition: UInt16
    log_offset: UInt64
    logged_at: DateTime64
    reason: str
    key: bytes
    value: bytes


class ErasedRow(Struct):
    """A session of which everything is erased, as the record at this position says; `NO_ID`: the whole org.

    If it is an org, its sessions as of that record have a row each, too.
    """

    log_partition: UInt16
    log_offset: UInt64
    org_id: str
    session_id: UUID
    erasure: UUID
    requested_at: DateTime64
    reason: str
    at_once: bool  # whether a sweep begins at once


class ErasedPositionRow(Struct):
    """A record of a session that goes on without it, as the record at ``log_offset`` says."""

    log_partition: UInt16
    log_offset: UInt64
    erased_offset: UInt64
    org_id: str
    session_id: UUID
    erasure: UUID
    requested_at: DateTime64
    reason: str
    at_once: bool


class ProgressRow(Struct):
    """How far one partition is projected, and up to which time everything accepted is in the tables."""

    log_partition: UInt16
    projected: UInt64  # the next offset to project; the row's version, so that a late worker can't move it back
    log_end: UInt64
    complete_through: DateTime64


class SessionStateRow(Struct):
    """The state of a long session, with all its facts below ``version``; ``ids_…`` is the XOR of their ids."""

    log_partition: UInt16
    org_id: str
    session_id: UUID
    version: UInt64  # offset of the last record that added a fact, + 1
    started_at: DateTime64
    layout: UInt64  # of the bytes in ``state``
    facts: UInt64
    ids_high: UInt64
    ids_low: UInt64
    state: bytes


class RollupProgressRow(Struct):
    """How far the rollups follow `sessions`: they include one partition's session states below an offset."""

    log_partition: UInt16
    rolled_up: UInt64  # the row's version, so that a late worker can't move it back
    complete_through: DateTime64  # 0: the rollups have not been complete yet


class DenseReceiptsRow(Struct):
    """A mark: every position of one partition below an offset had its receipt when a query last looked."""

    log_partition: UInt16
    dense_below: UInt64  # the row's version, so that a late worker can't move it back


class SweptRow(Struct):
    """A mark: of what the erasures of one partition below an offset erase, no table has anything any more."""

    log_partition: UInt16
    swept_below: UInt64  # the row's version


ROWS: dict[str, type[Struct]] = {
    "facts": FactRow,
    "dead_letters": DeadLetterRow,
    "sessions": SessionRow,
    "tasks": TaskRow,
    "amounts": AmountsRow,
    "session_states": SessionStateRow,
    "compactions": CompactionRow,
    "analyses": AnalysisRow,
    "receipts": ReceiptRow,
    "erased": ErasedRow,
    "erased_positions": ErasedPositionRow,
    "swept": SweptRow,
    "progress": ProgressRow,
    "rollup_progress": RollupProgressRow,
    "dense_receipts": DenseReceiptsRow,
}
