"""A record becomes its rows of `events`: one per fact, with the typed columns that fold and reads need."""

from schemas.hooks import LABEL_CHARACTERS_MAX, duration_of, read_payload
from schemas.log import LogRecord
from schemas.records import AnyFact, EventsRecorded, LifecycleFact
from schemas.rows import EventRow

EVENTS_RECORDED = "events_recorded"
_VERSION_MAX = (1 << 64) - 1


def event_rows(record: LogRecord, fact: AnyFact) -> list[EventRow]:
    """The rows of one record, in the order in which its facts count."""
    if isinstance(fact, EventsRecorded):
        return _hook_rows(record, fact)
    return [_lifecycle_row(record, fact)]


def version_at(offset: int, index: int) -> int:
    """Falls with the log position, so that ReplacingMergeTree keeps the first write."""
    return _VERSION_MAX - (offset << 16 | index)


def _hook_rows(record: LogRecord, fact: EventsRecorded) -> list[EventRow]:
    org_id, session_id, received_at = fact.org_id, fact.session_id, fact.received_at
    user_id, role = fact.actor.user_id, fact.actor.role
    partition, offset = record.partition, record.offset
    first_version = version_at(offset, 0)
    rows = []
    for index, event in enumerate(fact.events):
        payload = read_payload(event.data)
        row = EventRow(
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


def _lifecycle_row(record: LogRecord, fact: LifecycleFact) -> EventRow:
    return EventRow(
        fact.org_id,
        fact.session_id,
        kind=str(fact.__struct_config__.tag),
        user_id=fact.actor.user_id,
        role=fact.actor.role,
        received_at=fact.received_at,
        log_partition=record.partition,
        log_offset=record.offset,
        log_index=0,
        event_id=fact.fact_id,
        version=version_at(record.offset, 0),
        timestamp=fact.received_at,
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
        redactions=fact.redactions,
        data=record.value or b"",
    )
