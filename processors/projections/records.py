"""Makes the rows of a log record: its facts, with the typed columns that fold and reads need, and its receipt.

A record that can't be projected has a dead letter instead of facts.
"""

from typing import NamedTuple

from agents import CLIENTS
from agents.event_texts import TEXTS, EventTexts
from processors.projections.parsing import parsed_bytes
from schemas import ids
from schemas.hooks import LABEL_CHARACTERS_MAX, duration_of, read_payload
from schemas.log.position import LogRecord
from schemas.log.records import (
    EVENTS_RECORDED,
    NO_ID,
    AnyErasure,
    Erased,
    EventsRecorded,
    LifecycleRecord,
    PricesLoaded,
    SessionRecord,
)
from schemas.store.rows import DeadLetterRow, FactRow, ReceiptRow
from schemas.words import encoded_search_text


class Facts(NamedTuple):
    """The rows of one record, in the order in which its facts count, and the texts that each of them says."""

    rows: list[FactRow]
    texts: list[EventTexts]


def facts_of(log_record: LogRecord, record: SessionRecord) -> Facts:
    """Return the facts of one record; the rows have no words yet."""
    if isinstance(record, EventsRecorded):
        return _hook_facts(log_record, record)
    return Facts([_lifecycle_row(log_record, record)], [()])


def share_words(facts: Facts) -> None:
    """Give the words of all facts that count to the first of them."""
    texts = [text for row, said in zip(*facts, strict=True) if said and not row.is_deleted for _, text in said]
    if texts:
        first = next(row for row in facts.rows if not row.is_deleted)
        first.words = encoded_search_text(texts)


def place_at(offset: int, index: int) -> int:
    """Return the place of a fact in the log, which rises with both."""
    return offset << 16 | index


def _hook_facts(log_record: LogRecord, record: EventsRecorded) -> Facts:
    org_id, session_id, received_at = record.org_id, record.session_id, record.received_at
    user_id, role = record.actor.user_id, record.actor.role
    partition, offset = log_record.partition, log_record.offset
    first_place = place_at(offset, 0)
    client = CLIENTS.get(record.client or "")
    tools = client.tools if client else {}
    is_searched = not ids.is_sensitive(session_id)
    rows: list[FactRow] = []
    texts: list[EventTexts] = []
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
        read = TEXTS.get(event.event_type)
        texts.append(read(payload, event.data) if read and is_searched else ())
    return Facts(rows, texts)


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


def projected(
    log_record: LogRecord, record: SessionRecord | PricesLoaded | AnyErasure, facts: int, added: int
) -> ReceiptRow:
    """Return the receipt of a record whose ``facts`` are all in the tables; ``added`` of them were new."""
    kind = str(record.__struct_config__.tag)
    place, session = (log_record.partition, log_record.offset), (record.org_id, record.session_id)
    redriven = "" if isinstance(record, AnyErasure) or record.redrive is None else record.redrive.position
    return ReceiptRow(*place, record.record_id, "projected", *session, kind, record.received_at, facts, added, redriven)


def dead(letter: DeadLetterRow) -> ReceiptRow:
    """Return the receipt of a dead letter. Nothing in the record can be trusted, so nothing of it is copied."""
    place = letter.log_partition, letter.log_offset
    return ReceiptRow(*place, NO_ID, "dead", "", NO_ID, "", letter.logged_at, 0, 0, "")


def erased(log_record: LogRecord, record: Erased | SessionRecord) -> ReceiptRow:
    """Return the receipt of what is left of an erased record, or of a record whose session is erased.

    Both are the same, so it has nothing else, not even when the record was received.
    """
    place = log_record.partition, log_record.offset
    return ReceiptRow(*place, NO_ID, "erased", record.org_id, record.session_id, "", 0, 0, 0, "")


def dead_letter(record: LogRecord, reason: str) -> DeadLetterRow:
    """Return the record's bytes as they are in the log, and why they could not be projected."""
    place = record.partition, record.offset
    return DeadLetterRow(*place, record.timestamp_ms, reason, record.key or b"", record.value or b"")
