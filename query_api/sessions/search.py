"""The search for words in an org's sessions."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, NamedTuple
from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from edge.guards import may
from query_api.paging import Page
from query_api.read_context import Context, Paging, ReadContext
from query_api.sessions.by_id import SessionDetailRow, load_session_rows, session_of
from query_api.sessions.list import SessionsPage, Sort, page_question
from query_api.sessions.search_events import EventHit, event_hits, missing_until, with_terms
from query_api.sessions.search_terms import Highlighter, SearchQuery, parse
from query_api.sessions.session_filter import Filter, SessionFilter, with_filter
from query_api.sessions.spent import add_spent
from schemas.http.fields import doc
from schemas.http.responses import Reply, Session, from_row
from schemas.times import instant

Q = Annotated[
    str,
    QueryParameter(min_length=1, max_length=200),
    doc('Whole words, all required, or a `"quoted phrase"`; ignores case and accents.', "upload retry"),
]

_FIELDS = "summary title repo agent branch component project model prompts prompt answer command path error"

Events = Annotated[
    bool,
    doc("Search also the prompts, answers, commands, paths and errors of all events.", True),
]


class Highlight(Struct, frozen=True):
    """A text that contains a search term: its field, and an excerpt with the terms between « and »."""

    field: Annotated[str, doc("Text of the session, or kind of text of an event, with the words.", values=_FIELDS)]
    text: Annotated[str, doc("Passage, with the matching words between « and ».", "The «upload» retries with back-off")]
    event_id: Annotated[UUID | UnsetType, doc("The event that contains the words, in its `…/events`.")] = UNSET
    position: Annotated[str | UnsetType, doc("Log position of the record that holds the event.", "2:1841")] = UNSET


class FoundSession(Session, frozen=True, kw_only=True):
    """A session that matches a search, and its matching texts."""

    highlights: Annotated[list[Highlight], doc("Passages that contain the words.")]


@get("/sessions/search", operation_id="SearchSessions", guards=[may("session.read")])
async def search_sessions(
    q: Q,
    context: Context,
    session_filter: Filter,
    paging: Paging,
    sort: FromQuery[Sort] = "-started_at",
    events: FromQuery[Events] = False,
) -> Response[Reply[list[FoundSession]]]:
    """List the sessions that contain all of the words, newest first unless ``sort`` names another order.

    A word may be in the summary, title, repo, agent, branch, component, project, model or one of the first 50 prompts
    (200 characters of each). The words of a quoted phrase must follow one another in one of these texts. Case, accents
    and the characters between words do not matter. A ``q`` without a word matches nothing. Matches are highlighted.

    With ``events``, a word or phrase may also be in what was said and done: the prompts, answers, commands, paths and
    error texts of all events (2,000 characters of each). Highlights of these name their event. If events received up to
    some time were stored by an earlier version, which did not make them searchable, ``meta.events_missing_until`` says
    so.
    """
    query = parse(q)
    if not query.terms:
        return context.reply(list[FoundSession](), paging.meta(0))
    search = _in_events if events else _in_sessions
    found = await search(context, session_filter, paging, sort, query)
    sessions = await add_spent(context, session_filter, [session_of(row) for row in found.rows])
    highlighter, items = Highlighter(query), list[FoundSession]()
    for row, session in zip(found.rows, sessions, strict=True):
        hits = found.hits.get(session.id, [])
        prompts = row.first_prompts if all(hit.kind != "prompt" for hit in hits) else []
        marked = ((field, highlighter.mark(text)) for field, text in _searched_texts(session, prompts))
        own = [Highlight(field, text) for field, text in marked if text is not None]
        items.append(from_row(FoundSession, session, highlights=[*own, *map(_highlight, hits)]))
    return context.reply(items, {**paging.meta(found.total), **found.meta})


class _Found(NamedTuple):
    """A page of sessions, the hits in their events, the number of all sessions, and what else to say."""

    rows: list[SessionDetailRow]
    total: int
    hits: Mapping[UUID, list[EventHit]] = MappingProxyType({})
    meta: Mapping[str, str] = MappingProxyType({})


async def _in_sessions(
    context: ReadContext, session_filter: SessionFilter, paging: Page, sort: str, query: SearchQuery
) -> _Found:
    page = {"sort": sort, "limit": paging.size, "offset": paging.offset}
    params = with_filter(SessionsPage, session_filter, **page, words=query.words, phrases=query.phrases)
    keys, total = await context.ask_page(page_question(params), params)
    return _Found(await load_session_rows(context, session_filter.org_id, keys, with_prompts=True), total)


async def _in_events(
    context: ReadContext, session_filter: SessionFilter, paging: Page, sort: str, query: SearchQuery
) -> _Found:
    org_id = session_filter.org_id
    page = {"sort": sort, "limit": paging.size, "offset": paging.offset}
    params = with_filter(SessionsPage, session_filter, **page, words=[], phrases=[])
    until = await missing_until(context, org_id)
    keys, total = await context.ask_page(*with_terms(page_question(params), params, query))
    rows = await load_session_rows(context, org_id, keys, with_prompts=True)
    hits = await event_hits(context, org_id, [row.session_id for row in rows], query) if rows else {}
    return _Found(rows, total, hits, {} if until is None else {"events_missing_until": instant(until)})


def _highlight(hit: EventHit) -> Highlight:
    return Highlight(hit.kind, hit.marked, hit.event_id, str(hit.position))


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
