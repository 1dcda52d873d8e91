"""A session as it was known at a log position or at a time."""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from edge.errors import ApiError, invalid
from query_api.read_context import ReadContext
from query_api.sessions.by_id import SessionDetailRow, SessionOfOrg, session_of
from schemas.http.responses import Session
from schemas.log.position import Position
from store.reading.question import Question

_FORMS = "must be <partition>:<offset>, or an RFC 3339 time with an offset, such as 2026-01-20T10:30:00Z"
_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)

Point = Position | datetime


class History(Protocol):
    """Folds sessions again from their facts. The fold belongs to the projector, so the service injects it."""

    async def state_at(self, context: ReadContext, org_id: str, session_id: UUID, offset: int) -> SessionDetailRow:
        """Return the state of a session from its facts up to ``offset``, of which there is at least one.

        Raises `ApiError` (503) if too many other sessions are being folded.
        """


class SessionUntil(SessionOfOrg, frozen=True):
    """A session up to an offset and, unless None, up to a time of receipt (ms since 1970)."""

    offset_max: int
    received_ms_max: int | None


class LastOffsetRow(Struct, frozen=True):
    """The offset of the last record of a session that added a fact."""

    log_offset: int


LAST_OFFSET = Question("query_api.sessions.last_offset", SessionUntil, LastOffsetRow)


def parse_as_of(text: str) -> Point:
    """Return the position or time that ``as_of`` names. Raises `ApiError` (422) if it names neither."""
    try:
        point: Point = msgspec.convert(text, datetime) if "-" in text else Position.parse(text)
    except (ValueError, msgspec.ValidationError) as error:
        raise _wrong(_FORMS) from error
    # A time needs an offset, and a position has one spelling.
    is_complete = point.tzinfo is not None if isinstance(point, datetime) else str(point) == text
    if not is_complete:
        raise _wrong(_FORMS)
    return point


async def session_as_of(context: ReadContext, history: History, now: Session, point: Point) -> Session | None:
    """Return the session ``now`` as it was known at a point, or None if the point is before its first fact.

    Raises `ApiError` (422) if the point is in another partition.
    """
    newest = Position.parse(now.position)
    # Facts after ``now`` may be incomplete, so they are left out.
    if isinstance(point, datetime):
        until = SessionUntil(now.org_id, now.id, newest.offset, (point - _EPOCH) // _MS)
    elif point.partition == newest.partition:
        until = SessionUntil(now.org_id, now.id, min(point.offset, newest.offset), None)
    else:
        raise _wrong(f"must be in partition {newest.partition}, where all records of this session are")
    rows = await context.ask(LAST_OFFSET, until)
    if not rows:
        return None
    if rows[0].log_offset == newest.offset:
        return now
    return session_of(await history.state_at(context, now.org_id, now.id, rows[0].log_offset))


def _wrong(sentence: str) -> ApiError:
    return invalid({"as_of": [sentence]})
