"""Makes the rows of `facts` of a record: one per fact, with the typed columns that fold and reads need."""

from schemas.hooks import LABEL_CHARACTERS_MAX, duration_of, read_payload
from schemas.log.position import LogRecord
from schemas.log.records import AnyRecord, EventsRecorded, LifecycleRecord
from schemas.store.rows import FactRow

EVENTS_RECORDED = "events_recorded"
_VERSION_MAX = (1 << 64) - 1


def fact_rows(log_record: LogRecord, record: AnyRecord) -> list[FactRow]:
    """Return the rows of one record, in the order in which its facts count."""
    if isinstance(record, EventsRecorded):
        return _hook_rows(log_record, record)
    return [_lifecycle_row(log_record, record)]


def version_at(offset: int, index: int) -> int:
    """Return a version that falls with the log position, so that ReplacingMergeTree keeps the first write."""
    return _VERSION_MAX - (offset << 16 | index)


def _hook_rows(log_record: LogRecord, record: EventsRecorded) -> list[FactRow]:
    org_id, session_id, received_at = record.org_id, record.session_id, record.received_at
    user_id, role = record.actor.user_id, record.actor.role
    partition, offset = log_record.partition, log_record.offset
    first_version = version_at(offset, 0)
    rows = []
    for index, event in enumerate(record.events):
        payload = read_payload(event.data)
        row = FactRow(
            org_id,
            session_id,
            EVENTS_RECORDED,
            user_id,
            role,
            received_at,
            partition,
            offset,
            index,
            event.event_id,
            first_version - index,
            event.timestamp,
            event.event_type,
            payload.tool_name or "",
            payload.tool_use_id or "",
            payload.agent_id or "",
            payload.agent_type or "",
            payload.task_id or "",
            (payload.task_subject or payload.prompt or "")[:LABEL_CHARACTERS_MAX],
            payload.model or "",
            event.seq,
            None if payload.duration_ms is None else duration_of(payload),
            event.redactions,
            bytes(event.data),
        )
        rows.append(row)
    return rows


def _lifecycle_row(log_record: LogRecord, record: LifecycleRecord) -> FactRow:
    return FactRow(
        record.org_id,
        record.session_id,
        kind=str(record.__struct_config__.tag),
        user_id=record.actor.user_id,
        role=record.actor.role,
        received_at=record.received_at,
        log_partition=log_record.partition,
        log_offset=log_record.offset,
        log_index=0,
        event_id=record.fact_id,
        version=version_at(log_record.offset, 0),
        timestamp=record.received_at,
        event_type="",
        tool_name="",
        tool_use_id="",
        agent_id="",
        agent_type="",
        task_id="",
        label="",
        model="",
        seq=None,
        duration_ms=None,
        redactions=record.redactions,
        data=log_record.value or b"",
    )
