"""HTTP request bodies. Unknown fields, wrong types and values out of range are refused with the path of the field.

Times are RFC 3339 with an offset. `ingest.intake` checks the rules that need a clock (a time at most 24 h ahead).
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from schemas.http import fields
from schemas.http.fields import CLIENT_SESSION_ID, EVENT_ID, SESSION_ID, doc, moment
from schemas.log.records import Outcome
from schemas.money import USD_MAX

EVENTS_PER_REQUEST_MAX = 5_000
EVENT_BYTES_MAX = 1_048_576
BODY_BYTES_MAX = 10_485_760
MODELS_PER_REPORT_MAX = 1_000
REPORTS_PER_REQUEST_MAX = 1_000
SESSIONS_PER_BATCH_MAX = 1_000
PRICE_FILE_CHARACTERS_MAX = 30_000  # however they are escaped, the store takes them as one value: see `store.sql`

_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
_NO_CONTROL_BUT_SPACE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_OBJECT_OR_NULL = {"anyOf": [{"type": "object"}, {"type": "null"}]}

TEXT = Meta(max_length=512, pattern=_NO_CONTROL)
URL = Meta(max_length=2_048, pattern=_NO_CONTROL)
LONG_TEXT = Meta(max_length=20_000, pattern=_NO_CONTROL_BUT_SPACE)
TOKENS = Meta(ge=0, le=1 << 53)
USD = Meta(ge=0, le=USD_MAX)  # 15 significant digits: exact for 9 decimals up to a million
EVENT_TYPE = Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")

Instant = Annotated[datetime, Meta(tz=True)]
Relation = Literal["resume", "fork", "clear", "compact"]
Trigger = Literal["interactive", "headless", "scheduled", "import"]
Work = Literal["repair", "replay", "prove", "switch", "drop", "pause", "resume", "prices", "sweep", "check_erasures"]
ClientSessionId = Annotated[
    str,
    doc("The client's own id for its session.", CLIENT_SESSION_ID, min_length=1, max_length=400, pattern=_NO_CONTROL),
]

_PROMPT = {
    "event_type": "UserPromptSubmit",
    "timestamp": "2026-01-20T10:30:00Z",
    "data": {"prompt": "Retry the upload."},
}
_CALL = {"tool_name": "Bash", "tool_use_id": "toolu_01", "tool_input": {"command": "make test"}}
_RESULT = {
    "event_type": "PostToolUse",
    "timestamp": "2026-01-20T10:30:04.250Z",
    "data": {**_CALL, "duration_ms": 1250},
    "event_id": EVENT_ID,
    "seq": 17,
}
_HOOK = {
    "id": EVENT_ID,
    "at": "2026-01-20T10:30:04.250Z",
    "payload": {"session_id": CLIENT_SESSION_ID, "hook_event_name": "PreToolUse", **_CALL},
    "context": {"attended": True, "branch": "main", "client_version": "2.1.332"},
}
_REPORT = {
    "session_id": CLIENT_SESSION_ID,
    "at": "2026-01-20T10:31:00Z",
    "model_metrics": fields.TOTALS,
    "work": {"lines_added": 12, "lines_removed": 3},
}
RECORD_EXAMPLE = {
    "kind": "events_recorded",
    "v": 1,
    "record_id": "6d1f0a52-93c4-4b7e-8a15-2c9e4d7f0b31",
    "org_id": "acme",
    "session_id": SESSION_ID,
    "actor": {"user_id": "alice", "role": "member"},
    "received_at": 1_768_905_000_000,
    "events": [{"event_id": EVENT_ID, "event_type": "Stop", "timestamp": 1_768_904_999_000, "data": {}}],
}


def _null() -> Raw:
    """Return JSON's null. A plain default would appear in the documentation, and Raw is not JSON."""
    return Raw(b"null")


class CreateSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Start a session, in a new run unless ``run_id`` names one."""

    remote_url: Annotated[fields.RemoteUrl, URL] | None = None
    component: Annotated[fields.Component, TEXT] | None = None
    repository_id: Annotated[fields.RepositoryId, TEXT] | None = None
    project_id: Annotated[fields.ProjectId, TEXT] | None = None
    agent_name: Annotated[fields.AgentName, TEXT] | None = None
    model: Annotated[fields.Model, TEXT] | None = None
    branch: Annotated[fields.Branch, TEXT] | None = None
    run_id: Annotated[UUID | None, doc("Run to add the session to. Default: a new run.")] = None
    parent_id: Annotated[UUID | None, doc("Session that this one continues.")] = None
    relation: Annotated[Relation | None, doc("How the session continues its parent.")] = None
    external_id: Annotated[fields.ExternalId, TEXT] | None = None
    trigger: Annotated[Trigger | None, doc("Origin of the session.", "interactive")] = None
    sensitive: fields.Sensitive | None = None
    title: Annotated[fields.Title, TEXT] | None = None
    started_at: Annotated[Instant | None, moment("Start time, for imports. Default: time of receipt.", None)] = None


class RecordEvent(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One hook event. ``data`` is any JSON object and is stored byte for byte."""

    event_type: Annotated[fields.EventType, EVENT_TYPE]
    timestamp: fields.Timestamp
    data: fields.EventData
    event_id: fields.EventId | None = None
    seq: Annotated[fields.Seq, Meta(ge=-(1 << 53), le=1 << 53)] | None = None


class RecordEvents(Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of hook events. Invalid events are rejected one by one."""

    events: Annotated[
        list[RecordEvent],
        doc(
            "Invalid events are rejected, the others stored.",
            [_PROMPT, _RESULT],
            min_length=1,
            max_length=EVENTS_PER_REQUEST_MAX,
        ),
    ]


class AgentPayload(Struct, frozen=True):
    """One payload as an agent's hook sends it. It is stored whole; only these fields are read on receipt."""

    session_id: ClientSessionId
    hook_event_name: Annotated[str, EVENT_TYPE, doc("The client's own name for the event.", "PreToolUse")]
    timestamp: Annotated[Raw, doc("Time of the event, if the client sends one.")] = field(default_factory=_null)


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
    relation: Annotated[Literal["fork", "clear"], doc("How the session continues its parent.", "fork")]


class HookContext(Struct, frozen=True, forbid_unknown_fields=True):
    """What a hook client knows besides the payload."""

    attended: Annotated[bool | None, doc("Whether a user can answer the agent; otherwise it is headless.", True)] = None
    remote_url: Annotated[fields.RemoteUrl, URL] | None = None
    branch: Annotated[fields.Branch, TEXT] | None = None
    client_version: Annotated[fields.ClientVersion, TEXT] | None = None
    process: Annotated[int, TOKENS, doc("Process id of the agent; not stored.", 10_061)] | None = None
    parent: Annotated[HookParent | None, doc("Session of the client that this one continues.")] = None


class RecordHook(Struct, frozen=True, forbid_unknown_fields=True):
    """One payload of an agent's hook, when it was sent, and what else the hook client knows."""

    id: Annotated[UUID, doc("Id of the event. A payload that is sent again counts once.", EVENT_ID)]
    payload: Annotated[Raw, doc("What the client's hook received.", extra_json_schema=_PAYLOAD)]
    at: Annotated[Instant | None, moment("Time at which the hook ran. Default: the payload's `timestamp`.")] = None
    context: Annotated[HookContext | None, doc("What the hook client knows besides the payload.")] = None


class WorkDone(Struct, frozen=True, forbid_unknown_fields=True):
    """What a session achieved so far."""

    lines_added: Annotated[fields.LinesAdded, TOKENS] | None = None
    lines_removed: Annotated[fields.LinesRemoved, TOKENS] | None = None
    commits: Annotated[fields.Commits, TOKENS] | None = None
    pull_requests: Annotated[fields.PullRequests, TOKENS] | None = None
    active_seconds: Annotated[fields.ActiveSeconds, Meta(ge=0, le=1 << 40)] | None = None


class _Totals(Struct, frozen=True, forbid_unknown_fields=True):
    input_tokens: Annotated[fields.InputTokens, TOKENS] | None = None
    output_tokens: Annotated[fields.OutputTokens, TOKENS] | None = None
    cache_read_tokens: Annotated[fields.CacheReadTokens, TOKENS] | None = None
    cache_creation_tokens: Annotated[fields.CacheCreationTokens, TOKENS] | None = None
    cache_creation_1h_tokens: Annotated[fields.CacheCreation1hTokens, TOKENS] | None = None
    cost_usd: Annotated[fields.CostUsd, USD] | None = None


class ReportModel(_Totals, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Running totals of one model."""

    model: Annotated[fields.Model, TEXT]


class ReportMetrics(_Totals, frozen=True, forbid_unknown_fields=True):
    """Running totals of a session, either in total or by model, not both."""

    model: Annotated[fields.Model, TEXT] | None = None
    models: Annotated[list[ReportModel], doc("Totals by model.", max_length=MODELS_PER_REPORT_MAX)] | None = None
    reported_at: Annotated[Instant | None, moment("Time of the totals; the latest report wins.")] = None


class ReportSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Running totals of a client's session at one moment. ``incomplete``: something may be missing from them."""

    session_id: ClientSessionId
    at: Annotated[Instant | None, moment("Time of the totals. Default: time of receipt.")] = None
    model_metrics: Annotated[ReportMetrics | None, fields.MODEL_METRICS] = None
    work: Annotated[WorkDone | None, doc("What the session achieved so far.")] = None
    incomplete: Annotated[bool, doc("Whether something may be missing, as when a client was killed.", False)] = False


class RecordHooks(Struct, frozen=True, forbid_unknown_fields=True):
    """Payloads and reports of one client, from at most 1,000 of its sessions. Invalid ones are rejected one by one."""

    hooks: Annotated[list[RecordHook], doc("Payloads.", [_HOOK], max_length=EVENTS_PER_REQUEST_MAX)] = []
    reports: Annotated[list[ReportSession], doc("Reports.", [_REPORT], max_length=REPORTS_PER_REQUEST_MAX)] = []


class ChangeSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Set fields of a session. ``null`` clears a field, an absent field stays unchanged."""

    model_metrics: Annotated[ReportMetrics | None | UnsetType, fields.MODEL_METRICS] = UNSET
    title: Annotated[fields.Title, TEXT] | None | UnsetType = UNSET
    summary: Annotated[fields.Summary, LONG_TEXT] | None | UnsetType = UNSET
    branch: Annotated[fields.Branch, TEXT] | None | UnsetType = UNSET
    agent_name: Annotated[fields.AgentName, TEXT] | None | UnsetType = UNSET
    project_id: Annotated[fields.ProjectId, TEXT] | None | UnsetType = UNSET


class EndSession(Struct, frozen=True, forbid_unknown_fields=True):
    """End a session. The first end request wins."""

    summary: Annotated[fields.Summary, LONG_TEXT] | None = None
    model_metrics: Annotated[ReportMetrics | None, fields.MODEL_METRICS] = None
    outcome: Annotated[Outcome, fields.OUTCOME] | None = None
    ended_at: Annotated[Instant | None, moment("End time, for imports. Default: time of receipt.", None)] = None


class RedriveDeadLetter(Struct, frozen=True, forbid_unknown_fields=True):
    """Append the record of a dead letter again, unchanged or corrected. Its ids stay the same."""

    record: Annotated[
        Raw,
        doc(
            "Corrected record; its ids stay. Default: the same record.",
            RECORD_EXAMPLE,
            extra_json_schema=_OBJECT_OR_NULL,
        ),
    ] = field(default_factory=_null)


class CreateJob(Struct, frozen=True, forbid_unknown_fields=True):
    """Request a job from the installation's processes. ``repair`` without ``generation`` repairs the live one."""

    kind: Annotated[Work, doc("The work to do.", "repair")]
    generation: Annotated[str, doc("Its generation.", max_length=64, pattern=_NO_CONTROL)] | None = None
    rate: Annotated[int, doc("Limit of a replay, in events per second; 0: no limit.", ge=0, le=1 << 31)] = 0
    accept_differences: Annotated[bool, doc("Switch despite the differences of the last proof.")] = False
    prices: Annotated[
        str, doc("Prices to load, in the format of a price file.", max_length=PRICE_FILE_CHARACTERS_MAX)
    ] = ""
    new_generations_only: Annotated[bool, doc("Load past prices, which apply only to later generations.")] = False


class UseSignInCode(Struct, frozen=True, forbid_unknown_fields=True):
    """Exchange the code of a sign-in link for the tokens behind it."""

    code: Annotated[str, doc("Code from the link.", "Xk9vG2dT4bQ1rZ8sLw0aYA", min_length=1, max_length=64)]


class SignInTokens(Struct, frozen=True, forbid_unknown_fields=True):
    """The tokens of a sign-in link: one of an org and, for an operator's pages, one of the installation."""

    token: Annotated[str, doc("Token of an org.", "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", min_length=1)]
    operator: Annotated[str | None, doc("Token of an operator, if the link has one.", None)] = None


TICKET = r"^[A-Za-z0-9._/#-]{0,64}$"


SESSIONS_ERASED_MAX = 1_000
POSITIONS_ERASED_MAX = 10_000


class SessionToErase(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="session"):
    """One session with everything in it; what other sessions say about it stays."""

    session_id: fields.Id


class SessionsToErase(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sessions"):
    """Several sessions in one request."""

    session_ids: Annotated[
        tuple[fields.Id, ...],
        doc("Session ids.", [fields.SESSION_ID], min_length=1, max_length=SESSIONS_ERASED_MAX),
    ]


class OrgToErase(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="org"):
    """Every session of the org. Whatever is sent for the org later is refused."""

    confirm: Annotated[str, doc("Name of the org, as a safeguard against mistakes.", "acme", max_length=200)]


class RecordsToErase(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="records"):
    """Single records of the org. Their sessions go on as if they had never been sent; records of other orgs stay."""

    positions: Annotated[
        tuple[str, ...],
        doc("Log positions of the records.", ["2:118"], min_length=1, max_length=POSITIONS_ERASED_MAX),
    ]


ToErase = SessionToErase | SessionsToErase | OrgToErase | RecordsToErase


class RequestErasure(Struct, frozen=True, forbid_unknown_fields=True):
    """Erase for good. That can't be undone, and what is sent for it later is refused."""

    subject: Annotated[ToErase, doc("What to erase.", {"kind": "session", "session_id": fields.SESSION_ID})]
    reason: Annotated[
        str, doc("Number of a ticket, for the record. No names: it stays.", "DSR-118", pattern=TICKET)
    ] = ""
    now: Annotated[bool, doc("Sweep at once instead of a day later. Needs the role owner.", False)] = False


class RequestCompaction(Struct, frozen=True, forbid_unknown_fields=True):
    """Request a digest of the session up to now. Passages with a long word of ``instructions`` come first."""

    instructions: Annotated[str, LONG_TEXT, doc("What to keep first.", "Keep the failing tests.")] | None = None
    max_characters: Annotated[int, doc("Maximum length of the digest.", 8_000, ge=200, le=100_000)] | None = None
