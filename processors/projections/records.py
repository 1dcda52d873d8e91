"""Makes the rows of a log record: its facts, with the typed columns that fold and reads need, and its receipt.

A record that can't be projected has a dead letter instead of facts.
"""

from uuid import UUID

from agents import CLIENTS
from processors.projections.parsing import parsed_bytes
from schemas.hooks import LABEL_CHARACTERS_MAX, duration_of, read_payload
from schemas.log.position import LogRecord
from schemas.log.records import EVENTS_RECORDED, AnyRecord, EventsRecorded, LifecycleRecord, SessionRecord
from schemas.store.rows import DeadLetterRow, FactRow, ReceiptRow

NO_ID = UUID(int=0)


def fact_rows(log_record: LogRecord, record: SessionRecord) -> list[FactRow]:
    """Return the rows of one record, in the order in which its facts count."""
    if isinstance(record, EventsRecorded):
        return _hook_rows(log_record, record)
    return [_lifecycle_row(log_record, record)]


def place_at(offset: int, index: int) -> int:
    """Return the place of a fact in the log, which rises with both."""
    return offset << 16 | index


def _hook_rows(log_record: LogRecord, record: EventsRecorded) -> list[FactRow]:
    org_id, session_id, received_at = record.org_id, record.session_id, record.received_at
    user_id, role = record.actor.user_id, record.actor.role
    partition, offset = log_record.partition, log_record.offset
    first_place = place_at(offset, 0)
    client = CLIENTS.get(record.client or "")
    tools = client.tools if client else {}
    rows = []
    for index, event in enumerate(record.events):
        payload = read_payload(event.data)
        tool_name = payload.tool_name or ""
        tool_name = tools.get(tool_name, tool_name)
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
            first_place + index,
            event.timestamp,
            event.event_type,
            tool_name,
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
            parsed=parsed_bytes(event.event_type, payload, tool_name, tools, event.data),
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
        place=place_at(log_record.offset, 0),
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


def projected(log_record: LogRecord, record: AnyRecord, facts: int, added: int) -> ReceiptRow:
    """Return the receipt of a record whose ``facts`` are all in the tables; ``added`` of them were new."""
    kind = str(record.__struct_config__.tag)
    place, session = (log_record.partition, log_record.offset), (record.org_id, record.session_id)
    redriven = record.redrive.position if record.redrive else ""
    return ReceiptRow(*place, record.record_id, "projected", *session, kind, record.received_at, facts, added, redriven)


def dead(letter: DeadLetterRow) -> ReceiptRow:
    """Return the receipt of a dead letter. Nothing in the record can be trusted, so nothing of it is copied."""
    place = letter.log_partition, letter.log_offset
    return ReceiptRow(*place, NO_ID, "dead", "", NO_ID, "", letter.logged_at, 0, 0, "")


def dead_letter(record: LogRecord, reason: str) -> DeadLetterRow:
    """Return the record's bytes as they are in the log, and why they could not be projected."""
    place = record.partition, record.offset
    return DeadLetterRow(*place, record.timestamp_ms, reason, record.key or b"", record.value or b"")
