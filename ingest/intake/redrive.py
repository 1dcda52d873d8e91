"""POST /operator/dead-letters/:position/redrive"""

from uuid import UUID

import msgspec
import structlog
from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED
from msgspec import Struct, structs

from edge.errors import not_found, session_erased
from edge.guards import may
from edge.path_params import parse_position
from edge.route_docs import takes
from ingest.dependencies import NewWrite
from ingest.intake.context import CommandContext, Invalid
from ingest.intake.steps import append, durable
from schemas.http.requests import RedriveDeadLetter
from schemas.http.responses import RedrivenDeadLetter, Reply
from schemas.log.codec import Undecodable, decode_value, encode, is_stub
from schemas.log.position import LogRecord, Position
from schemas.log.records import AnyErasure, Erased, PricesLoaded, Redrive, SessionRecord
from schemas.log.topics import APPENDED_BYTES_MAX

NOT_CORRECTED = b"null"
logger = structlog.get_logger()


class _Identity(Struct):
    record_id: UUID


_decoder = msgspec.json.Decoder(RedriveDeadLetter)
_identity: msgspec.json.Decoder[_Identity] = msgspec.json.Decoder(_Identity)


def decide(letter: LogRecord, corrected: bytes, context: CommandContext) -> SessionRecord:
    """Return the record to append at the end of the log: the letter's, or the corrected one.

    At its old place, its derived rows would have lower versions than existing ones. It keeps its ids, so facts that
    were already counted still count once. It says which position it repeats, and who redrove it. Raises `Invalid` if it
    still can't be projected, was erased, holds prices or an erasure, or corrects another record.
    """
    value = letter.value if corrected == NOT_CORRECTED else corrected
    if is_stub(letter):
        raise Invalid("position", "was erased: nothing of its record is left")
    try:
        record = decode_value(value)
    except Undecodable as reason:
        raise Invalid("record", f"can't be projected: {reason}") from reason
    if isinstance(record, Erased):
        raise Invalid("record", "is what is left of an erased record")
    if isinstance(record, PricesLoaded):
        raise Invalid(
            "record", "holds prices, which are checked when they are loaded: run `crewkit-sessions prices load`"
        )
    if isinstance(record, AnyErasure):
        raise Invalid("record", "erases other records: request the erasure again instead")
    if (known := _record_id(letter.value)) not in (None, record.record_id):
        raise Invalid("record.record_id", f"must stay {known}")
    position = str(Position(letter.partition, letter.offset))
    return structs.replace(record, redrive=Redrive(position, context.actor.user_id, context.received_at))


@post(
    "/api/v1/operator/dead-letters/{position:str}/redrive",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RedriveDeadLetter",
    guards=[may("operate")],
    opt=takes(RedriveDeadLetter, refused_with=(410,)),
)
async def redrive_dead_letter(write: NewWrite, position: FromPath[str]) -> Response[Reply[RedrivenDeadLetter]]:
    """Append the record once more, as it is or corrected. The dead letter stays, and shows where it was redriven to.

    As in every write, secrets are redacted, and content is dropped where none may be stored.
    """
    context = write.context
    partition, offset = parse_position(position)
    # From the log: `ingest` never reads the store. A position that was projected does no harm.
    found = await write.log.read(partition, offset, offset + 1, 1)
    if not found or found[0].offset != offset:
        raise not_found()
    async with write.read() as body:
        command = await body.decode(_decoder)
        record = await body.place.run(decide, found[0], bytes(command.record), context)
        if record.session_id in write.known.of(record.org_id):
            raise session_erased()
        record = await write.privacy.clean_whole(record, context.secrets.seed_key, write.lane)
        value = encode(record)
        if len(value) > APPENDED_BYTES_MAX:
            raise Invalid("record", f"is larger than {APPENDED_BYTES_MAX} bytes")
        to = await append(write.log, record.session_id, [value])
    logger.info("dead_letter_redriven", position=position, to=str(to), by=context.actor.user_id)
    return durable(RedrivenDeadLetter(position, str(to), record.session_id), to)


def _record_id(value: bytes | None) -> UUID | None:
    """Return the id in the letter's bytes; None if they can't be read."""
    try:
        return _identity.decode(value or b"").record_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
