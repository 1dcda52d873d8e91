"""The question for a page of threads, and a faster way to find one among the most recently active threads.

A page needs the latest activity and the totals of only a few threads. A limited number of session rows, including
replaced ones, is read in order of activity. A thread that is not among them was last active no later than the last of
these rows. So all threads that were active after that moment are found, in the right order.
"""

import asyncio
from collections.abc import Sequence
from math import ceil
from uuid import UUID

import msgspec
from msgspec import Struct, field

from query_api.read_context import ReadContext
from query_api.sessions.session_filter import SessionFilter
from store.reading.question import Question

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


THREADS_PAGE = Question("query_api.sessions.threads", ThreadsPage, ThreadsPageRow)
CANDIDATES = Question("query_api.sessions.thread_candidates", CandidatesOf, CandidateRow)
THREAD_COUNT = Question("query_api.sessions.thread_count", ThreadsOf, ThreadCountRow)


async def find_recent(context: ReadContext, params: ThreadsPage) -> tuple[list[ThreadsPageRow], int] | None:
    """Return a page of all threads of an org and their number, or None if all sessions must be searched for it."""
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
