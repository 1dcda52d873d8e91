"""Making the records of one request durable, and answering with where the last of them stands."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from litestar import Response

from ingest.dependencies import NewWrite, SessionWrite
from ingest.log.port import APPEND_DEADLINE_S, EventLog
from kernel.fail_points import fail_point
from schemas.http.responses import Reply
from schemas.log.codec import encode
from schemas.log.position import LogUnavailable, Position
from schemas.log.records import LifecycleRecord
from schemas.log.topics import record_key

T = TypeVar("T")
F = TypeVar("F", bound=LifecycleRecord)


async def append_record(write: NewWrite | SessionWrite, record: F) -> tuple[F, Position]:
    """Append one lifecycle fact, as far as it may be kept; that is the fact to answer with. Raises `LogUnavailable`."""
    kept = await write.privacy.of_lifecycle(record, write.bodies.lane)
    return kept, await _append(write.log, record_key(kept.session_id), encode(kept))


async def append_all(log: EventLog, session_id: UUID, records: Sequence[bytes]) -> Position:
    """Append one after the other, so that their order is the client's; the position is that of the last.

    If one fails, those before it are stored, and the ids of their events make sending all of them again harmless.

    Raises:
        LogUnavailable: for any of them, or when all together take too long.
    """
    key = record_key(session_id)
    if len(records) == 1:
        return await _append(log, key, records[0])
    try:
        async with asyncio.timeout(APPEND_DEADLINE_S):
            return [await _append(log, key, record) for record in records][-1]
    except TimeoutError as error:
        raise LogUnavailable(f"{len(records)} records took more than {APPEND_DEADLINE_S} s") from error


async def _append(log: EventLog, key: bytes, record: bytes) -> Position:
    fail_point("ingest.before_append")
    position = await log.append(key, record)
    fail_point("ingest.appended")
    return position


def durable(data: T, position: Position) -> Response[Reply[T]]:
    """The reply to a write: it means that the facts are in the log, at ``position`` and before it."""
    text = str(position)
    return Response(Reply(data, {"position": text}), headers={"X-Log-Position": text})
