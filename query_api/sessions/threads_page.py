"""The question for a page of threads."""

from uuid import UUID

from msgspec import Struct, field

from query_api.sessions.session_filter import SessionFilter
from store.reading.question import Question


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


THREADS_PAGE = Question("query_api.sessions.threads", ThreadsPage, ThreadsPageRow)
