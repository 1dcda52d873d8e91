"""Makes the receipt of each log record, and the dead letter of a record that can't be projected."""

from uuid import UUID

from schemas.log.position import LogRecord
from schemas.log.records import AnyRecord, EventsRecorded
from schemas.store.rows import DeadLetterRow, ReceiptRow

NO_ID = UUID(int=0)


def projected(log_record: LogRecord, record: AnyRecord, added: int) -> ReceiptRow:
    """Return the receipt of a record whose facts are all in the tables."""
    facts = len(record.events) if isinstance(record, EventsRecorded) else 1
    kind = str(record.__struct_config__.tag)
    return ReceiptRow(
        log_record.partition,
        log_record.offset,
        record.record_id,
        "projected",
        record.org_id,
        record.session_id,
        kind,
        record.received_at,
        facts,
        added,
        record.redrive.position if record.redrive else "",
    )


def dead(record: LogRecord) -> ReceiptRow:
    """Return the receipt of a dead letter. Nothing in the record can be trusted, so nothing of it is copied."""
    return ReceiptRow(record.partition, record.offset, NO_ID, "dead", "", NO_ID, "", record.timestamp_ms, 0, 0, "")


def dead_letter(record: LogRecord, reason: str) -> DeadLetterRow:
    """Return the record's bytes as they are in the log, and why they could not be projected."""
    return DeadLetterRow(
        record.partition,
        record.offset,
        record.timestamp_ms,
        reason,
        record.key or b"",
        record.value or b"",
    )
