"""The threads of an org: chains of conversations that continue one another."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context, Paging, ReadContext
from query_api.sessions.by_id import OrgSessionKey, load_sessions
from query_api.sessions.hierarchy import Totals
from query_api.sessions.recent_threads import THREADS_PAGE, ThreadsPage, ThreadsPageRow, find_recent
from query_api.sessions.session_filter import Filter, all_of, with_filter
from query_api.visibility import viewer_of
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, Session
from schemas.money import usd_of
from schemas.times import instant
from store.reading.question import Question

CONVERSATIONS_MAX = 1_000  # the latest ones of a thread; its totals count all of them


class ConversationsOf(Struct, frozen=True):
    """The conversations of these threads that the caller may see."""

    org_id: str
    viewer_id: str | None
    thread_ids: list[UUID]
    limit_by: int


class ThreadConversationRow(OrgSessionKey, frozen=True):
    thread_id: UUID


THREAD_CONVERSATIONS = Question("query_api.sessions.thread_conversations", ConversationsOf, ThreadConversationRow)


class Thread(Struct, frozen=True):
    """The part of a thread that the caller may see, with conversations in the order in which they started."""

    thread_id: fields.ThreadId
    started_at: fields.StartedAt
    last_event_at: fields.LastEventAt | None
    totals: Annotated[Totals, doc("Totals of those sessions.")]
    conversations: Annotated[list[Session], doc("Sessions that the caller may see.")]


@get("/sessions/threads", operation_id="ListThreads", guards=[may("session.read")])
async def list_threads(
    principal: Caller, context: Context, session_filter: Filter, paging: Paging
) -> Response[Reply[list[Thread]]]:
    """List conversations that continue one another, the thread with the latest activity first.

    If one conversation of a thread matches the filters, the whole thread is shown.
    """
    viewer_id = viewer_of(principal)
    params = with_filter(ThreadsPage, session_filter, viewer_id=viewer_id, limit=paging.size, offset=paging.offset)
    everything = with_filter(ThreadsPage, all_of(principal.org_id), viewer_id=None, limit=0, offset=0)
    recent = None
    if params == msgspec.structs.replace(everything, limit=params.limit, offset=params.offset):
        recent = await find_recent(context, params)
    rows, total = recent or await context.ask_page(THREADS_PAGE, params)
    return context.reply(await _threads(context, principal.org_id, viewer_id, rows), paging.meta(total))


async def _threads(
    context: ReadContext, org_id: str, viewer_id: str | None, rows: Sequence[ThreadsPageRow]
) -> list[Thread]:
    """Return the threads of ``rows`` with the conversations that ``viewer_id`` sees (None: any user)."""
    if not rows:
        return []
    params = ConversationsOf(org_id, viewer_id, [row.thread_id for row in rows], CONVERSATIONS_MAX)
    keys = await context.ask(THREAD_CONVERSATIONS, params)
    conversations: dict[UUID, list[Session]] = {row.thread_id: [] for row in rows}
    for session in await load_sessions(context, org_id, keys[::-1]):
        if session.thread_id in conversations:  # otherwise it moved to another thread after the first question
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
