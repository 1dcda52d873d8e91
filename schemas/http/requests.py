"""Strict HTTP bodies: unknown fields, wrong types and values out of range are refused with the path of the field.

Times are RFC 3339 with an offset. The rules that need a clock (a time at most 24 h ahead) are kept by `ingest.sealing`.
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

_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
_NO_CONTROL_BUT_SPACE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_OBJECT_OR_NULL = {"anyOf": [{"type": "object"}, {"type": "null"}]}

Text = Annotated[str, Meta(max_length=512, pattern=_NO_CONTROL)]
Url = Annotated[str, Meta(max_length=2_048, pattern=_NO_CONTROL)]
LongText = Annotated[str, Meta(max_length=20_000, pattern=_NO_CONTROL_BUT_SPACE)]
Instant = Annotated[datetime, Meta(tz=True)]
Tokens = Annotated[int, Meta(ge=0, le=1 << 53)]
Usd = Annotated[float, Meta(ge=0, le=USD_MAX)]  # 15 significant digits: 9 decimals of up to a million, exactly
EventType = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]

Relation = Literal["resume", "fork", "clear", "compact"]
Trigger = Literal["interactive", "headless", "scheduled", "import"]


class CreateSession(Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation begins, in a new run unless ``run_id`` names one."""

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
    """One hook event; ``data`` is any JSON object and is kept byte for byte."""

    event_type: EventType
    timestamp: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    data: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    event_id: UUID | None = None
    seq: Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)] | None = None


class RecordEvents(Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of hook events; an invalid one does not refuse its neighbours."""

    events: Annotated[list[RecordEvent], Meta(min_length=1, max_length=EVENTS_PER_REQUEST_MAX)]


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
    """Running totals of a session, either as a whole or by model; both is refused."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_creation_tokens: Tokens | None = None
    cache_creation_1h_tokens: Tokens | None = None
    cost_usd: Usd | None = None
    model: Text | None = None
    models: Annotated[list[ReportModel], Meta(max_length=MODELS_PER_REPORT_MAX)] | None = None
    reported_at: Instant | None = None


class ChangeSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Set fields of a session; ``null`` clears one, an absent one stays."""

    model_metrics: ReportMetrics | None | UnsetType = UNSET
    title: Text | None | UnsetType = UNSET
    summary: LongText | None | UnsetType = UNSET
    branch: Text | None | UnsetType = UNSET
    agent_name: Text | None | UnsetType = UNSET
    project_id: Text | None | UnsetType = UNSET


class EndSession(Struct, frozen=True, forbid_unknown_fields=True):
    """The session is over; the first end wins."""

    summary: LongText | None = None
    model_metrics: ReportMetrics | None = None
    outcome: Outcome | None = None
    ended_at: Instant | None = None


class RedriveDeadLetter(Struct, frozen=True, forbid_unknown_fields=True):
    """Append a record that could not be projected once more: as it is, or corrected. Its ids stay what they are."""

    # Any default would be shown as JSON in the documentation, and Raw is none.
    record: Annotated[Raw, Meta(extra_json_schema=_OBJECT_OR_NULL)] = field(default_factory=lambda: Raw(b"null"))


class RequestCompaction(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a digest of the session so far."""

    instructions: LongText | None = None
    max_characters: Annotated[int, Meta(ge=200, le=100_000)] | None = None
