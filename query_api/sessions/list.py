"""The list of an org's sessions."""

from typing import Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from edge.guards import may
from query_api.paging import Page
from query_api.question import Question
from query_api.read_context import ReadContext
from query_api.sessions.by_id import OrgSessionKey, load_sessions
from query_api.sessions.session_filter import SessionFilter, with_filter
from schemas.http.responses import Reply, Session

Sort = Literal["-started_at", "started_at", "-cost_usd", "-tokens", "-duration_seconds", "-last_event_at"]


class SessionsPage(SessionFilter, frozen=True):
    """A page of the matching sessions that have all words and phrases (as `kernel.words` stores them), in an order."""

    sort: str
    limit: int
    offset: int
    words: list[str]
    phrases: list[str]


class SessionsPageRow(OrgSessionKey, frozen=True):
    """One session of the page, and the number of all matches."""

    total_count: int


SESSIONS_PAGE = Question("query_api.sessions.list", SessionsPage, SessionsPageRow)


@get("/sessions", operation_id="ListSessions", guards=[may("session.read")])
async def list_sessions(
    context: NamedDependency[ReadContext],
    session_filter: NamedDependency[SessionFilter],
    paging: NamedDependency[Page],
    sort: FromQuery[Sort] = "-started_at",
) -> Response[Reply[list[Session]]]:
    """List the sessions of the org that the caller may see, newest first unless ``sort`` names another order."""
    page = {"sort": sort, "limit": paging.size, "offset": paging.offset}
    params = with_filter(SessionsPage, session_filter, **page, words=[], phrases=[])
    keys, total = await context.ask_page(SESSIONS_PAGE, params)
    sessions = await load_sessions(context, session_filter.org_id, keys)
    return context.reply(sessions, paging.meta(total))
