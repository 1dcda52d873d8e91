"""Threads: conversations that continue one another."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from query_api.question import THREAD_CONVERSATIONS, ThreadConversations, ThreadsPageRow
from query_api.read_context import Reading
from query_api.sessions.by_id import whole_sessions
from query_api.sessions.task_tree import Totals
from schemas.http.responses import Session, instant
from schemas.money import usd_of

CONVERSATIONS_MAX = 1_000  # of a thread, the latest ones; its totals count all of them


class Thread(Struct, frozen=True):
    """A thread as far as the caller may see it; its conversations in the order in which they started."""

    thread_id: UUID
    started_at: str
    last_event_at: str | None
    totals: Totals
    conversations: list[Session]


async def whole_threads(
    reading: Reading, org_id: str, viewer_id: str | None, rows: Sequence[ThreadsPageRow]
) -> list[Thread]:
    """These threads with the conversations that ``viewer_id`` (None: everybody's) sees."""
    if not rows:
        return []
    question = ThreadConversations(org_id, viewer_id, [row.thread_id for row in rows], CONVERSATIONS_MAX)
    found = await reading.ask(THREAD_CONVERSATIONS, question)
    conversations: dict[UUID, list[Session]] = {row.thread_id: [] for row in rows}
    for session in await whole_sessions(reading, org_id, found[::-1]):
        conversations[session.thread_id].append(session)
    return [_thread(row, conversations[row.thread_id]) for row in rows]


def _thread(row: ThreadsPageRow, conversations: list[Session]) -> Thread:
    return Thread(
        thread_id=row.thread_id,
        started_at=instant(row.thread_started_ms),
        last_event_at=None if row.thread_last_event_ms is None else instant(row.thread_last_event_ms),
        totals=Totals(
            row.total_sessions, row.total_events, row.total_tool_calls, row.total_tokens, usd_of(row.total_cost_nano)
        ),
        conversations=conversations,
    )
