"""The list of an org's sessions."""

from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from edge.guards import may
from query_api.read_context import Context, Paging
from query_api.sessions.by_id import OrgSessionKey, load_sessions
from query_api.sessions.hours import count_by_hour, window_of
from query_api.sessions.session_filter import Filter, SessionFilter, with_filter
from query_api.sessions.spent import add_spent
from schemas.http.fields import doc
from schemas.http.responses import Reply, Session
from store.reading.question import Question

Sort = Annotated[
    Literal["-started_at", "started_at", "-cost_usd", "-tokens", "-duration_seconds", "-last_event_at"],
    doc("Sort order; `-` means descending.", "-started_at"),
]


class SessionsPage(SessionFilter, frozen=True):
    """A page, in some order, of the matching sessions with all words and phrases (as `schemas.words` stores them)."""

    sort: str
    limit: int
    offset: int
    words: list[str]
    phrases: list[str]
    hour_from: int | None = None  # s since 1970; both hours are inclusive
    hour_to: int | None = None


class SessionsPageRow(OrgSessionKey, frozen=True):
    """The key of one session of the page, and the number of all matches."""

    total_count: int


SESSIONS_PAGE = Question("query_api.sessions.list", SessionsPage, SessionsPageRow)
SPENDERS_PAGE = Question("query_api.sessions.list_by_spend", SessionsPage, SessionsPageRow)


@get("/sessions", operation_id="ListSessions", guards=[may("session.read")])
async def list_sessions(
    context: Context, session_filter: Filter, paging: Paging, sort: FromQuery[Sort] = "-started_at"
) -> Response[Reply[list[Session]]]:
    """List the sessions of the org that the caller may see, newest first unless ``sort`` names another order.

    With ``spent_after`` or ``spent_before``, each has what it spent in that time (and with the ``model``, if it is
    given), and cost and tokens in ``sort`` are those.
    """
    page = {"sort": sort, "limit": paging.size, "offset": paging.offset}
    params = with_filter(SessionsPage, session_filter, **page, words=[], phrases=[])
    # If the order is that of the table, only the few hours that contain the page are read.
    by_start = sort in ("-started_at", "started_at")
    hours = await count_by_hour(context, session_filter) if by_start else None
    keys: list[SessionsPageRow] = []
    if hours is None:
        keys, total = await context.ask_page(page_question(params), params)
    elif (window := window_of(hours, paging.offset, paging.size, sort == "-started_at")) is None:
        total = sum(hour.matches for hour in hours)
    else:
        places = {"hour_from": window.hour_from, "hour_to": window.hour_to, "offset": paging.offset - window.skipped}
        keys, count = await context.ask_page(SESSIONS_PAGE, msgspec.structs.replace(params, **places))
        total = window.outside + count
    sessions = await load_sessions(context, session_filter.org_id, keys)
    return context.reply(await add_spent(context, session_filter, sessions), paging.meta(total))


def page_question(page: SessionsPage) -> Question[SessionsPage, SessionsPageRow]:
    """Return the question that knows the order of a page."""
    return SPENDERS_PAGE if page.spent_after and page.sort in ("-cost_usd", "-tokens") else SESSIONS_PAGE
