"""HTTP request bodies. Unknown fields, wrong types and values out of range are refused with the path of the field.

Times are RFC 3339 with an offset. `ingest.intake` checks the rules that need a clock (a time at most 24 h ahead).
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from schemas.log.records import Outcome
from schemas.money import USD_MAX

EVENTS_PER_REQUEST_MAX = 5_000
EVENT_BYTES_MAX = 1_048_576
BODY_BYTES_MAX = 10_485_760
MODELS_PER_REPORT_MAX = 1_000
REPORTS_PER_REQUEST_MAX = 1_000
SESSIONS_PER_BATCH_MAX = 1_000

_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
_NO_CONTROL_BUT_SPACE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_OBJECT_OR_NULL = {"anyOf": [{"type": "object"}, {"type": "null"}]}

Text = Annotated[str, Meta(max_length=512, pattern=_NO_CONTROL)]
Url = Annotated[str, Meta(max_length=2_048, pattern=_NO_CONTROL)]
LongText = Annotated[str, Meta(max_length=20_000, pattern=_NO_CONTROL_BUT_SPACE)]
Instant = Annotated[datetime, Meta(tz=True)]
Tokens = Annotated[int, Meta(ge=0, le=1 << 53)]
Usd = Annotated[float, Meta(ge=0, le=USD_MAX)]  # 15 significant digits: exact for 9 decimals up to a million
EventType = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]

Relation = Literal["resume", "fork", "clear", "compact"]
Trigger = Literal["interactive", "headless", "scheduled", "import"]


class CreateSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Start a session, in a new run unless ``run_id`` names one."""

    remote_url: Url | None = None
    component: Text | None = None
    repository_id: Text | None = None
    project_id: Text | None = None
    agent_name: Text | None = None
    model: Text | None = None
    branch: Text | None = None
    run_id: UUID | None = None
    parent_id: UUID | None = None
    relation: Relation | None = None
    external_id: Text | None = None
    trigger: Trigger | None = None
    sensitive: bool | None = None
    title: Text | None = None
    started_at: Instant | None = None


class RecordEvent(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One hook event. ``data`` is any JSON object and is stored byte for byte."""

    event_type: EventType
    timestamp: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    data: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    event_id: UUID | None = None
    seq: Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)] | None = None


class RecordEvents(Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of hook events. Invalid events are rejected one by one."""

    events: Annotated[list[RecordEvent], Meta(min_length=1, max_length=EVENTS_PER_REQUEST_MAX)]


ClientSessionId = Annotated[str, Meta(min_length=1, max_length=400, pattern=_NO_CONTROL)]


class AgentPayload(Struct, frozen=True):
    """One payload as an agent's hook sends it. It is stored whole; only these fields are read on receipt."""

    session_id: ClientSessionId
    hook_event_name: EventType
    timestamp: Raw = field(default_factory=lambda: Raw(b"null"))


_PAYLOAD = {  # like `AgentPayload`, plus any other fields
    "type": "object",
    "required": ["session_id", "hook_event_name"],
    "additionalProperties": True,
    "properties": {
        "session_id": {"type": "string", "minLength": 1, "maxLength": 400, "pattern": _NO_CONTROL},
        "hook_event_name": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[A-Za-z0-9_.:-]+$"},
    },
}


class HookParent(Struct, frozen=True, forbid_unknown_fields=True):
    """The client's session that this one continues."""

    session_id: ClientSessionId
    relation: Literal["fork", "clear"]


class HookContext(Struct, frozen=True, forbid_unknown_fields=True):
    """What a hook client knows besides the payload."""

    attended: bool | None = None
    remote_url: Url | None = None
    branch: Text | None = None
    client_version: Text | None = None
    process: Annotated[int, Meta(ge=0, le=1 << 53)] | None = None
    parent: HookParent | None = None


class RecordHook(Struct, frozen=True, forbid_unknown_fields=True):
    """One payload of an agent's hook, when it was sent, and what else the hook client knows."""

    id: UUID
    payload: Annotated[Raw, Meta(extra_json_schema=_PAYLOAD)]
    at: Instant | None = None
    context: HookContext | None = None


class WorkDone(Struct, frozen=True, forbid_unknown_fields=True):
    """What a session achieved so far."""

    lines_added: Tokens | None = None
    lines_removed: Tokens | None = None
    commits: Tokens | None = None
    pull_requests: Tokens | None = None
    active_seconds: Annotated[float, Meta(ge=0, le=1 << 40)] | None = None


class ReportModel(Struct, frozen=True, forbid_unknown_fields=True):
    """Running totals of one model."""

    model: Text
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_creation_tokens: Tokens | None = None
    cache_creation_1h_tokens: Tokens | None = None
    cost_usd: Usd | None = None


class ReportMetrics(Struct, frozen=True, forbid_unknown_fields=True):
    """Running totals of a session, either in total or by model, not both."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_creation_tokens: Tokens | None = None
    cache_creation_1h_tokens: Tokens | None = None
    cost_usd: Usd | None = None
    model: Text | None = None
    models: Annotated[list[ReportModel], Meta(max_length=MODELS_PER_REPORT_MAX)] | None = None
    reported_at: Instant | None = None


class ReportSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Running totals of a client's session at one moment. ``incomplete``: something may be missing from them."""

    session_id: ClientSessionId
    at: Instant | None = None
    model_metrics: ReportMetrics | None = None
    work: WorkDone | None = None
    incomplete: bool = False


class RecordHooks(Struct, frozen=True, forbid_unknown_fields=True):
    """Payloads and reports of one client, from at most 1,000 of its sessions. Invalid ones are rejected one by one."""

    hooks: Annotated[list[RecordHook], Meta(max_length=EVENTS_PER_REQUEST_MAX)] = []
    reports: Annotated[list[ReportSession], Meta(max_length=REPORTS_PER_REQUEST_MAX)] = []


class ChangeSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Set fields of a session. ``null`` clears a field, an absent field stays unchanged."""

    model_metrics: ReportMetrics | None | UnsetType = UNSET
    title: Text | None | UnsetType = UNSET
    summary: LongText | None | UnsetType = UNSET
    branch: Text | None | UnsetType = UNSET
    agent_name: Text | None | UnsetType = UNSET
    project_id: Text | None | UnsetType = UNSET


class EndSession(Struct, frozen=True, forbid_unknown_fields=True):
    """End a session. The first end request wins."""

    summary: LongText | None = None
    model_metrics: ReportMetrics | None = None
    outcome: Outcome | None = None
    ended_at: Instant | None = None


class RedriveDeadLetter(Struct, frozen=True, forbid_unknown_fields=True):
    """Append the record of a dead letter again, unchanged or corrected. Its ids stay the same."""

    # A plain default would appear as JSON in the documentation, and Raw is not JSON.
    record: Annotated[Raw, Meta(extra_json_schema=_OBJECT_OR_NULL)] = field(default_factory=lambda: Raw(b"null"))


class CreateJob(Struct, frozen=True, forbid_unknown_fields=True):
    """Request a job from the installation's processes. ``repair`` without ``generation`` repairs the live one."""

    kind: Literal["repair", "replay", "prove", "switch", "drop", "pause", "resume"]
    generation: Annotated[str, Meta(max_length=64, pattern=_NO_CONTROL)] | None = None
    rate: Annotated[int, Meta(ge=0, le=1 << 31)] = 0
    accept_differences: bool = False


class RequestCompaction(Struct, frozen=True, forbid_unknown_fields=True):
    """Request a digest of the session up to now."""

    instructions: LongText | None = None
    max_characters: Annotated[int, Meta(ge=200, le=100_000)] | None = None
