"""The threads of an org: chains of conversations that continue one another."""

import asyncio
from collections.abc import Sequence
from math import ceil
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from msgspec import Struct, field

from edge.guards import may
from edge.principal import Caller
from query_api.read_context import Context, Paging, ReadContext
from query_api.sessions.by_id import OrgSessionKey, load_sessions
from query_api.sessions.hierarchy import Totals
from query_api.sessions.session_filter import Filter, SessionFilter, all_of, with_filter
from query_api.sessions.spent import add_spent
from query_api.visibility import viewer_of
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, Session
from schemas.money import usd_of
from schemas.times import instant
from store.reading.question import Question

CONVERSATIONS_MAX = 1_000  # the latest ones of a thread; its totals count all of them
PLACES_MAX = 200  # the last place of a page; the ids of the candidates must fit into a parameter
ROWS_EACH = 4  # a thread has several rows: its conversations and their earlier states
MORE = 1.25  # times as many candidates, since a replaced row may overstate a thread's activity


class ThreadsPage(SessionFilter, frozen=True):
    """A page of the threads that match. ``viewer_id`` is set if the caller sees only their own sessions."""

    viewer_id: str | None
    limit: int
    offset: int
    among: list[UUID] = field(default_factory=list)  # the candidates for the page, if known


class ThreadsPageRow(Struct, frozen=True):
    """One thread, totals over what the caller sees of it, and the number of all matching threads."""

    thread_id: UUID
    thread_started_ms: int
    thread_last_event_ms: int | None
    total_sessions: int
    total_events: int
    total_tool_calls: int
    total_tokens: int
    total_cost_nano: int
    active_ms: int
    total_count: int


class CandidatesOf(Struct, frozen=True):
    """The ``limit`` most recently active rows of an org's sessions."""

    org_id: str
    limit: int


class CandidateRow(Struct, frozen=True):
    """A thread, and when one of its sessions was last active (ms since 1970)."""

    thread_id: UUID
    active_ms: int


class ThreadsOf(Struct, frozen=True):
    org_id: str


class ThreadCountRow(Struct, frozen=True):
    threads: int


class ConversationsOf(Struct, frozen=True):
    """The conversations of these threads that the caller may see."""

    org_id: str
    viewer_id: str | None
    thread_ids: list[UUID]
    limit_by: int


class ThreadConversationRow(OrgSessionKey, frozen=True):
    thread_id: UUID


THREADS_PAGE = Question("query_api.sessions.threads", ThreadsPage, ThreadsPageRow)
CANDIDATES = Question("query_api.sessions.thread_candidates", CandidatesOf, CandidateRow)
THREAD_COUNT = Question("query_api.sessions.thread_count", ThreadsOf, ThreadCountRow)
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
    is_whole = viewer_id is None and session_filter == all_of(principal.org_id)
    recent = await _find_recent(context, params) if is_whole else None
    rows, total = recent or await context.ask_page(THREADS_PAGE, params)
    return context.reply(await _threads(context, params, rows), paging.meta(total))


async def _find_recent(context: ReadContext, params: ThreadsPage) -> tuple[list[ThreadsPageRow], int] | None:
    """Return a page of all threads of an org and their number, or None if all sessions must be searched for it.

    A page needs the latest activity and the totals of only a few threads. A limited number of session rows, including
    replaced ones, is read in order of activity. A thread that is not among them was last active no later than the last
    of these rows. So all threads that were active after that moment are found, in the right order.
    """
    last = params.offset + params.limit
    if last > PLACES_MAX:
        return None
    limit = ROWS_EACH * last
    rows = await context.ask(CANDIDATES, CandidatesOf(params.org_id, limit))
    if len(rows) < limit:
        return None  # few sessions: reading all of them is as fast
    among, upto_ms = _first(rows, ceil(MORE * last) + 1)
    candidates = msgspec.structs.replace(params, offset=0, limit=last, among=among)
    page, (count,) = await asyncio.gather(
        context.ask(THREADS_PAGE, candidates), context.ask(THREAD_COUNT, ThreadsOf(params.org_id))
    )
    found = [row for row in page if row.active_ms > upto_ms]
    if len(found) < last:
        return None
    return found[params.offset :], count.threads


def _first(rows: Sequence[CandidateRow], number: int) -> tuple[list[UUID], int]:
    """Return the first ``number`` threads, and the moment after which no other thread was active."""
    first: dict[UUID, None] = {}
    for row in rows:
        first[row.thread_id] = None
        if len(first) == number:
            break
    return list(first), row.active_ms


async def _threads(context: ReadContext, page: ThreadsPage, rows: Sequence[ThreadsPageRow]) -> list[Thread]:
    """Return the threads of ``rows`` with the conversations that the caller sees."""
    if not rows:
        return []
    params = ConversationsOf(page.org_id, page.viewer_id, [row.thread_id for row in rows], CONVERSATIONS_MAX)
    keys = await context.ask(THREAD_CONVERSATIONS, params)
    conversations: dict[UUID, list[Session]] = {row.thread_id: [] for row in rows}
    for session in await add_spent(context, page, await load_sessions(context, page.org_id, keys[::-1])):
        if session.thread_id in conversations:  # otherwise it moved to another thread after the first question
            conversations[session.thread_id].append(session)
    return [
        Thread(
            thread_id=row.thread_id,
            started_at=instant(row.thread_started_ms),
            last_event_at=None if row.thread_last_event_ms is None else instant(row.thread_last_event_ms),
            totals=Totals(
                row.total_sessions,
                row.total_events,
                row.total_tool_calls,
                row.total_tokens,
                usd_of(row.total_cost_nano),
            ),
            conversations=conversations[row.thread_id],
        )
        for row in rows
    ]
