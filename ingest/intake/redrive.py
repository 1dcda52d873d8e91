"""POST /operator/dead-letters/:position/redrive"""

from typing import Any

import msgspec
import structlog
from litestar import Request, Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.errors import not_found
from edge.guards import may
from edge.path_params import parse_position
from edge.route_docs import takes
from ingest.dependencies import Write
from ingest.intake.steps import append_all, durable
from ingest.log.port import EventLog
from ingest.sealing.redrive import redriven_record, seal_redrive
from schemas.http.requests import RedriveDeadLetter
from schemas.http.responses import RedrivenDeadLetter, Reply
from schemas.log.position import LogRecord

logger = structlog.get_logger()
_decoder = msgspec.json.Decoder(RedriveDeadLetter)


@post(
    "/api/v1/operator/dead-letters/{position:str}/redrive",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RedriveDeadLetter",
    guards=[may("operate")],
    opt=takes(RedriveDeadLetter),
)
async def redrive_dead_letter(
    request: Request[Any, Any, Any], write: Write, position: FromPath[str]
) -> Response[Reply[RedrivenDeadLetter]]:
    """Append the record once more, as it is or corrected. The dead letter stays, and shows where it was redriven to.

    Like any write it is kept without secrets, and without content where none may be kept.
    """
    letter = await _letter(write.log, position)
    async with write.bodies.read(request) as body:
        asked = await body.decode(_decoder)
        record = await body.place.run(seal_redrive, letter, bytes(asked.record), write.asker)
        kept = await write.privacy.of_record(record, write.asker.secrets.seed_key, write.bodies.lane)
        to = await append_all(write.log, kept.session_id, [redriven_record(kept)])
    logger.info("dead_letter_redriven", position=position, to=str(to), by=write.asker.actor.user_id)
    return durable(RedrivenDeadLetter(position, str(to), kept.session_id), to)


async def _letter(events: EventLog, text: str) -> LogRecord:
    """The record as the log holds it: this side reads no store, and a position that was projected does no harm."""
    position = parse_position(text)
    found = await events.read(position.partition, position.offset, position.offset + 1, 1)
    if not found or found[0].offset != position.offset:
        raise not_found()
    return found[0]
