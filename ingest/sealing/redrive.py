"""A record that could not be projected goes to the end of the log once more, as it is or corrected."""

from uuid import UUID

import msgspec
from msgspec import Struct, structs

from ingest.intake.context import Asker
from ingest.sealing.invalid import Invalid
from schemas.log.codec import Undecodable, decode_value, encode
from schemas.log.position import LogRecord, Position
from schemas.log.records import AnyRecord, Redrive
from schemas.log.topics import APPENDED_BYTES_MAX

NOT_CORRECTED = b"null"


class _Identity(Struct):
    record_id: UUID


_identity: msgspec.json.Decoder[_Identity] = msgspec.json.Decoder(_Identity)


def seal_redrive(letter: LogRecord, corrected: bytes, asker: Asker) -> AnyRecord:
    """The fact to append: in place it would come too late for the versions of what is derived.

    Its ids stay, so what was counted already stays counted once; it says which position it repeats, and at whose wish.

    Raises:
        Invalid: it still can't be projected, or the correction is about another record.
    """
    value = letter.value if corrected == NOT_CORRECTED else corrected
    try:
        record = decode_value(value)
    except Undecodable as reason:
        raise Invalid("record", f"can't be projected: {reason}") from reason
    if (known := _record_id(letter.value)) not in (None, record.record_id):
        raise Invalid("record.record_id", f"must stay {known}")
    place = str(Position(letter.partition, letter.offset))
    return structs.replace(record, redrive=Redrive(place, asker.actor.user_id, asker.received_at))


def redriven_record(record: AnyRecord) -> bytes:
    """The bytes to append.

    Raises:
        Invalid: no log of ours takes so many.
    """
    value = encode(record)
    if len(value) > APPENDED_BYTES_MAX:
        raise Invalid("record", f"is larger than {APPENDED_BYTES_MAX} bytes")
    return value


def _record_id(value: bytes | None) -> UUID | None:
    """The id that the letter's bytes name, if they can be read at all."""
    try:
        return _identity.decode(value or b"").record_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
