"""The search for words in an org's sessions."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from edge.guards import may
from query_api.read_context import Context, Paging
from query_api.sessions.by_id import load_session_rows, session_of
from query_api.sessions.list import SESSIONS_PAGE, SessionsPage, Sort
from query_api.sessions.search_terms import Highlighter, parse
from query_api.sessions.session_filter import Filter, with_filter
from schemas.http.fields import doc
from schemas.http.responses import Reply, Session, from_row

Q = Annotated[
    str,
    QueryParameter(min_length=1, max_length=200),
    doc('Whole words, all required, or a `"quoted phrase"`; ignores case and accents.', "upload retry"),
]

_FIELDS = "summary title repo agent branch component project model prompts"


class Highlight(Struct, frozen=True):
    """A text that contains a search term: its field, and an excerpt with the terms between « and »."""

    field: Annotated[str, doc("Text of the session in which the words occur.", values=_FIELDS)]
    text: Annotated[str, doc("Passage, with the matching words between « and ».", "The «upload» retries with back-off")]


class FoundSession(Session, frozen=True, kw_only=True):
    """A session that matches a search, and its matching texts."""

    highlights: Annotated[list[Highlight], doc("Passages that contain the words.")]


@get("/sessions/search", operation_id="SearchSessions", guards=[may("session.read")])
async def search_sessions(
    q: Q, context: Context, session_filter: Filter, paging: Paging, sort: FromQuery[Sort] = "-started_at"
) -> Response[Reply[list[FoundSession]]]:
    """List the sessions that contain all of the words, newest first unless ``sort`` names another order.

    A word may be in the summary, title, repo, agent, branch, component, project, model or one of the first 50 prompts
    (200 characters of each). The words of a quoted phrase must follow one another in one of these texts. Case, accents
    and the characters between words do not matter. A ``q`` without a word matches nothing. Matches are highlighted.
    """
    query = parse(q)
    if not query.terms:
        return context.reply(list[FoundSession](), paging.meta(0))
    page = {"sort": sort, "limit": paging.size, "offset": paging.offset}
    params = with_filter(SessionsPage, session_filter, **page, words=query.words, phrases=query.phrases)
    keys, total = await context.ask_page(SESSIONS_PAGE, params)
    rows = await load_session_rows(context, session_filter.org_id, keys, with_prompts=True)
    highlighter, found = Highlighter(query), []
    for row in rows:
        session = session_of(row)
        marked = ((field, highlighter.mark(text)) for field, text in _searched_texts(session, row.first_prompts))
        highlights = [Highlight(field, text) for field, text in marked if text is not None]
        found.append(from_row(FoundSession, session, highlights=highlights))
    return context.reply(found, paging.meta(total))


def _searched_texts(session: Session, prompts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the searched texts, with their names in the API reference."""
    if session.sensitive:
        return
    models = dict.fromkeys([session.model, *(use.model for use in session.models)])
    named: list[tuple[str, str | None]] = [
        ("summary", session.summary),
        ("title", session.title),
        ("repo", session.repo),
        ("agent", session.agent_name),
        ("branch", session.branch),
        ("component", session.component),
        ("project", session.project_id),
        *(("model", model) for model in models),
        *(("prompts", prompt) for prompt in prompts),
    ]
    yield from ((field, text) for field, text in named if text)
