"""The list of an org's sessions."""

from typing import Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from edge.guards import may
from query_api.paging import Page
from query_api.question import SESSIONS_PAGE, Matching, SessionsPage
from query_api.read_context import Reading
from query_api.sessions.by_id import whole_sessions
from query_api.sessions.session_filter import narrowed
from schemas.http.responses import Reply, Session

Sort = Literal["-started_at", "started_at", "-cost_usd", "-tokens", "-duration_seconds", "-last_event_at"]


@get("/sessions", operation_id="ListSessions", guards=[may("session.read")])
async def list_sessions(
    reading: NamedDependency[Reading],
    matching: NamedDependency[Matching],
    paging: NamedDependency[Page],
    sort: FromQuery[Sort] = "-started_at",
) -> Response[Reply[list[Session]]]:
    """Sessions of the org that the caller may see, newest first unless ``sort`` says otherwise."""
    question = narrowed(SessionsPage, matching, sort=sort, limit=paging.size, offset=paging.offset)
    found, total = await reading.page(SESSIONS_PAGE, question)
    sessions = await whole_sessions(reading, matching.org_id, found)
    return reading.reply(sessions, paging.meta(total))
