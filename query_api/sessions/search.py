"""Searching an org's sessions by words."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from edge.guards import may
from query_api.paging import Page
from query_api.question import SEARCH_PAGE, Found, Matching, SearchPage
from query_api.read_context import Reading
from query_api.sessions.by_id import rows_of, session_of
from query_api.sessions.highlights import Highlighter
from query_api.sessions.list import Sort
from query_api.sessions.search_query import SearchQuery, parse
from query_api.sessions.search_result import found_session
from query_api.sessions.session_filter import narrowed
from schemas.http.responses import FoundSession, Reply

Q = Annotated[str, QueryParameter(min_length=1, max_length=200)]


@get("/sessions/search", operation_id="SearchSessions", guards=[may("session.read")])
async def search_sessions(
    q: Q,
    reading: NamedDependency[Reading],
    matching: NamedDependency[Matching],
    paging: NamedDependency[Page],
    sort: FromQuery[Sort] = "-started_at",
) -> Response[Reply[list[FoundSession]]]:
    """Sessions that have all of the words, newest first unless ``sort`` says otherwise, with what was found in them.

    The words may stand anywhere in summary, title, repo, agent, branch, component, project, model and the first 50
    prompts (200 characters of each); those of a quoted phrase stand one after the other in one of these. Case, accents
    and whatever separates words do not count. A ``q`` without any word finds nothing.
    """
    query = parse(q)
    if not query.terms:
        return reading.reply(list[FoundSession](), paging.meta(0))
    question = narrowed(
        SearchPage,
        matching,
        sort=sort,
        limit=paging.size,
        offset=paging.offset,
        words=query.words,
        phrases=query.phrases,
    )
    found, total = await reading.page(SEARCH_PAGE, question)
    sessions = await _highlighted(reading, matching.org_id, found, query)
    return reading.reply(sessions, paging.meta(total))


async def _highlighted(reading: Reading, org_id: str, found: Sequence[Found], query: SearchQuery) -> list[FoundSession]:
    rows = await rows_of(reading, org_id, found, with_prompts=True)
    highlighter = Highlighter(query)
    return [found_session(session_of(row), row.first_prompts, highlighter) for row in rows]
