"""Every log record leaves a receipt, and one that can't be projected a dead letter beside it."""

from uuid import UUID

from schemas.log import LogRecord
from schemas.records import AnyFact, EventsRecorded
from schemas.rows import DeadLetterRow, RecordRow

NO_ID = UUID(int=0)


def projected(record: LogRecord, fact: AnyFact, added: int) -> RecordRow:
    """The receipt of a record whose facts are all in the tables."""
    facts = len(fact.events) if isinstance(fact, EventsRecorded) else 1
    kind = str(fact.__struct_config__.tag)
    return RecordRow(
        record.partition,
        record.offset,
        fact.record_id,
        "projected",
        fact.org_id,
        fact.session_id,
        kind,
        fact.received_at,
        facts,
        added,
        fact.redrive.position if fact.redrive else "",
    )


def dead(record: LogRecord) -> RecordRow:
    """The receipt of a record that was set aside. What it says of itself can't be believed, so nothing is repeated."""
    return RecordRow(record.partition, record.offset, NO_ID, "dead", "", NO_ID, "", record.timestamp_ms, 0, 0, "")


def dead_letter(record: LogRecord, reason: str) -> DeadLetterRow:
    """The bytes as they are in the log, and why they could not be projected."""
    return DeadLetterRow(
        record.partition, record.offset, record.timestamp_ms, reason, record.key or b"", record.value or b""
    )
