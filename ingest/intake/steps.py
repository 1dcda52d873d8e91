"""The steps of every write, in their order. Another way in, such as an import, shares the last three.

1. read      the body, within its limits of size and time    `ingest.body`
2. identify  the record: its ids and times                   the ``decide`` of each command
3. strip     content that may not be stored                  `ingest.privacy.metadata_only`
4. redact    secrets                                         `ingest.privacy.redaction`
5. append    to the log                                      `ingest.log`

Ids are derived before steps 3 and 4, so a changed redaction rule never changes an id. The response is sent only after
the log has acknowledged the record.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from litestar import Response

from edge.errors import ApiError, session_erased
from ingest.body import Body
from ingest.dependencies import Write
from ingest.intake.context import CommandContext, SessionContext
from ingest.intake.events.identify import IdentifiedEvents, to_records
from ingest.log.port import EventLog
from schemas.http.responses import Reply
from schemas.log.codec import encode
from schemas.log.position import Position
from schemas.log.records import LifecycleRecord
from schemas.log.topics import record_key
from store.fail_points import fail_point

B = TypeVar("B")
C = TypeVar("C", bound=CommandContext)
R = TypeVar("R", bound=LifecycleRecord)
T = TypeVar("T")


async def write_record(
    write: Write[C], decoder: msgspec.json.Decoder[B], decide: Callable[[B, C], R], *, optional: bool = False
) -> tuple[B, R, Position]:
    """Take a lifecycle command through all steps; return its body, and its record as appended.

    Raises `LogUnavailable`, or `ApiError`, `Invalid` or `msgspec.MsgspecError` if the body is refused, or the session
    was erased.
    """
    async with write.read(optional=optional) as body:
        command = await body.decode(decoder)
        record = decide(command, write.context)
        if record.session_id in write.context.erased:
            raise session_erased()
        record = await write.privacy.clean_record(record, write.lane)
        position = await append(write.log, record.session_id, [encode(record)])
    return command, record, position


async def store_events(
    write: Write[SessionContext], events: IdentifiedEvents, body: Body
) -> tuple[IdentifiedEvents, Position]:
    """Take events that came in ``body`` through the last three steps; return them as appended.

    Raises `LogUnavailable`, or `ApiError` (422) if none of the events is valid.
    """
    context, _, log, privacy, lane, metrics, _ = write
    if privacy.strips(context.org_id, context.session_id):
        events = await privacy.strip_events(events, body, context.secrets.seed_key)
    events = await privacy.redact_events(events, body, context.secrets.seed_key, lane)
    metrics.events(events.accepted, events.rejected)
    if not events.accepted:
        raise ApiError(422, "invalid", "None of the events is valid.", {"events": events.rejected})
    records = await body.place.run(to_records, events.accepted, context)
    return events, await append(log, context.session_id, records)


async def append(log: EventLog, session_id: UUID, records: Sequence[bytes]) -> Position:
    """Append records one after the other, in the client's order; return the position of the last.

    If one fails with `LogUnavailable`, those before it are stored; the ids of their events make it harmless to send all
    of them again. The request's own deadline (`Arrival.whole`) limits the time of all appends together.
    """
    key = record_key(session_id)
    for record in records:
        fail_point("ingest.before_append")
        position = await log.append(key, record)
        fail_point("ingest.appended")
    return position


def durable(data: T, *positions: Position) -> Response[Reply[T]]:
    """Return the response to a write: its records are in the log up to these positions, one for each partition."""
    text = ",".join(map(str, positions))
    return Response(Reply(data, {"position": text}), headers={"X-Log-Position": text})
