"""POST /:org_id/erasures"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.status_codes import HTTP_202_ACCEPTED

from edge.errors import already_erased, forbidden, not_found
from edge.guards import may
from edge.principal import Caller
from edge.route_docs import takes
from ingest.dependencies import NewWrite
from ingest.intake.context import CommandContext, Invalid
from ingest.intake.steps import append, durable
from ingest.log.port import EventLog
from ingest.privacy.redaction import Effort, redact_text_or_all
from ingest.privacy.redaction.effort import A_MOMENT_S
from schemas.http.requests import OrgToErase, RecordsToErase, RequestErasure, SessionsToErase, SessionToErase
from schemas.http.responses import Reply, RequestedErasure
from schemas.ids import UnknownId, derived_uuid, verify
from schemas.log.codec import encode
from schemas.log.position import Position
from schemas.log.records import NO_ID, VERSION, PositionsErased, RecordsErased
from schemas.log.topics import erasures_id, partition_of, record_key
from schemas.permissions import allows

_decoder = msgspec.json.Decoder(RequestErasure)


class AlreadyErased(Exception):
    """Nothing of the subject is left to erase. ``erasure`` came first."""

    def __init__(self, erasure: UUID) -> None:
        super().__init__(str(erasure))
        self.erasure = erasure


def decide(body: RequestErasure, context: CommandContext, partitions: int) -> list[RecordsErased]:
    """Return the records that erase the subject, one for each partition that has any of it.

    Raises `UnknownId`, `Invalid` if the org is not confirmed, and `AlreadyErased`.
    """
    subject, key, erasure = body.subject, context.idempotency_key, context.new_id()
    if isinstance(subject, RecordsToErase):
        raise TypeError("positions have a decision of their own")
    sessions = _sessions(subject, context)
    if key is not None:
        what = b"".join([session_id.bytes for session_id in sessions])
        erasure = derived_uuid(context.secrets.seed_key, "erasure", [context.org_id, what, key])
    if first := _erased_before(sessions, context, erasure):
        raise AlreadyErased(first)
    of_partition: dict[int, list[UUID]] = {}
    for session_id in sessions:
        of_partition.setdefault(partition_of(record_key(session_id), partitions), []).append(session_id)
    if isinstance(subject, OrgToErase):
        of_partition = {partition: [] for partition in range(partitions)}
    return [
        RecordsErased(
            v=VERSION,
            record_id=context.new_id(),
            erasure=erasure,
            org_id=context.org_id,
            session_id=erasures_id(partition, partitions),
            received_at=context.received_at,
            sessions=tuple(some),
            reason=body.reason,
            now=body.now,
        )
        for partition, some in sorted(of_partition.items())
    ]


def positions_of(subject: RecordsToErase, partitions: int) -> dict[int, list[int]]:
    """Return the offsets to erase in each partition, sorted. Raises `Invalid`."""
    found: dict[int, set[int]] = {}
    for text in subject.positions:
        try:
            at = Position.parse(text)
        except ValueError as error:
            raise Invalid("subject.positions", f"has one that is none: {error}") from error
        if at.partition >= partitions:
            raise _beyond(at)
        found.setdefault(at.partition, set()).add(at.offset)
    return {partition: sorted(offsets) for partition, offsets in sorted(found.items())}


async def check_in_log(log: EventLog, positions: Mapping[int, Sequence[int]]) -> None:
    """Check that the log has these positions. Raises `Invalid` and `LogUnavailable`."""
    for partition, offsets in positions.items():
        last = offsets[-1]
        found = await log.read(partition, last, last + 1, 1)
        if not found or found[0].offset != last:
            raise _beyond(Position(partition, last))


def decide_positions(
    body: RequestErasure, positions: Mapping[int, Sequence[int]], context: CommandContext, partitions: int
) -> list[PositionsErased]:
    """Return the records that erase these positions, one for each partition that has any."""
    erasure = context.new_id()
    if (key := context.idempotency_key) is not None:
        what = repr(sorted(positions.items())).encode()
        erasure = derived_uuid(context.secrets.seed_key, "erasure", [context.org_id, what, key])
    return [
        PositionsErased(
            v=VERSION,
            record_id=context.new_id(),
            erasure=erasure,
            org_id=context.org_id,
            session_id=erasures_id(partition, partitions),
            received_at=context.received_at,
            partitions=partitions,
            offsets=tuple(offsets),
            reason=body.reason,
            now=body.now,
        )
        for partition, offsets in positions.items()
    ]


def _beyond(at: Position) -> Invalid:
    return Invalid("subject.positions", f"has {at}, which is beyond the end of the log")


def _erased_before(sessions: Sequence[UUID], context: CommandContext, erasure: UUID) -> UUID | None:
    """Return the erasure that erased the first of these sessions, or the org if there are none; None if any is left."""
    asked = sessions or [NO_ID]  # an org that is erased has every session
    found = {context.erased[session_id] for session_id in asked if session_id in context.erased}
    is_done = all(session_id in context.erased for session_id in asked) and erasure not in found
    return context.erased[asked[0]] if is_done else None


def _sessions(subject: SessionToErase | SessionsToErase | OrgToErase, context: CommandContext) -> list[UUID]:
    """Return the sessions of the subject; none for an org. Raises `UnknownId` or `Invalid`."""
    if isinstance(subject, OrgToErase):
        if subject.confirm != context.org_id:
            raise Invalid("subject.confirm", f"must be the name of the org, {context.org_id}")
        return []
    sessions = subject.session_ids if isinstance(subject, SessionsToErase) else (subject.session_id,)
    for session_id in sessions:
        verify(context.secrets, "session", context.org_id, session_id)
    return sorted({*sessions})


@post(
    "/api/v1/{org_id:str}/erasures",
    status_code=HTTP_202_ACCEPTED,
    operation_id="RequestErasure",
    guards=[may("erase")],
    opt=takes(RequestErasure, refused_with=(409,)),
)
async def request_erasure(principal: Caller, write: NewWrite) -> Response[Reply[RequestedErasure]]:
    """Erase for good: nothing shows it once the returned positions are projected, within a second or two.

    What is sent for it later is refused. A sweep, a day later or on request, removes the texts from the disk. Only
    an owner erases an org, or has the sweep begin at once (`now`).
    """
    async with write.read() as body:
        command = await body.decode(_decoder)
    if isinstance(command.subject, OrgToErase) and not allows(principal.role, "erase.org"):
        raise forbidden()
    if command.now and not allows(principal.role, "erase.now"):
        raise forbidden()
    if redact_text_or_all(command.reason, Effort(A_MOMENT_S))[0] != command.reason:
        raise Invalid("reason", "looks like a secret: give the number of a ticket, since it can't be erased")
    if isinstance(command.subject, RecordsToErase):
        return await _erase_records(command, command.subject, write)
    try:
        records = decide(command, write.context, write.log.partitions)
    except UnknownId as unknown:
        raise not_found() from unknown
    except AlreadyErased as error:
        raise already_erased(error.erasure) from error
    values = [encode(record) for record in records]
    keyed = zip(records, values, strict=True)
    positions = [await append(write.log, record.session_id, [value]) for record, value in keyed]
    await write.known.add(records, values)
    return durable(RequestedErasure(records[0].erasure, command.subject, "recorded"), *positions)


async def _erase_records(
    command: RequestErasure, subject: RecordsToErase, write: NewWrite
) -> Response[Reply[RequestedErasure]]:
    partitions = write.log.partitions
    positions = positions_of(subject, partitions)
    await check_in_log(write.log, positions)
    records = decide_positions(command, positions, write.context, partitions)
    places = [await append(write.log, record.session_id, [encode(record)]) for record in records]
    return durable(RequestedErasure(records[0].erasure, subject, "recorded"), *places)
