"""What listed sessions spent between two times."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from query_api.read_context import ReadContext
from query_api.sessions.session_filter import SessionFilter
from schemas.http.responses import Session, Spent
from schemas.money import usd_of
from store.reading.question import Question


class SpentBy(Struct, frozen=True):
    """These sessions' buckets in ``[spent_after, spent_before)``; ``model`` None: with all models."""

    org_id: str
    session_ids: list[UUID]
    spent_after: datetime
    spent_before: datetime
    model: str | None


class SpentRow(Struct, frozen=True):
    """What one session spent."""

    session_id: UUID
    tokens: int
    cost_nano: int


SPENT = Question("query_api.sessions.spent", SpentBy, SpentRow)


async def add_spent(context: ReadContext, session_filter: SessionFilter, sessions: Sequence[Session]) -> list[Session]:
    """Return the sessions with what each spent in the times and with the model of the filter, if it has times."""
    after, before = session_filter.spent_after, session_filter.spent_before
    if after is None or before is None or not sessions:
        return list(sessions)
    ids = [session.id for session in sessions]
    asked = SpentBy(session_filter.org_id, ids, after, before, session_filter.model)
    spent = {row.session_id: Spent(row.tokens, usd_of(row.cost_nano)) for row in await context.ask(SPENT, asked)}
    return [structs.replace(session, spent=spent.get(session.id, Spent(0, 0.0))) for session in sessions]
