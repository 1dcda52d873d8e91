"""The search in what was said and done in sessions: pages of sessions, and the events that contain the terms."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct, defstruct

from agents.event_texts import TEXTS, event_texts
from query_api.read_context import ReadContext
from query_api.sessions.list import SessionsPage, SessionsPageRow
from query_api.sessions.search_terms import Highlighter, SearchQuery
from schemas.hooks import read_payload
from schemas.log.position import Position
from schemas.words import phrase_text
from store.reading.question import Question
from store.reading.statements import generated
from store.sql import read_sql

HITS_MAX = 5  # of a session
RECORDS_MAX = 200  # of a page: each may have thousands of events
_PACKAGE = "query_api.sessions"


class RecordsWithTerms(Struct, frozen=True):
    """Records of some sessions with one of these ``terms`` (as `phrase_text` makes them); ``words`` are all of them."""

    org_id: str
    session_ids: list[UUID]
    terms: list[str]
    words: list[str]
    limit: int


class RecordWithTermRow(Struct, frozen=True):
    session_id: UUID
    log_offset: int


class EventsOfRecords(Struct, frozen=True):
    org_id: str
    session_ids: list[UUID]
    records: list[tuple[UUID, int]]
    event_types: list[str]


class EventOfRecordRow(Struct, frozen=True):
    session_id: UUID
    event_id: UUID
    event_type: str
    data: bytes
    log_partition: int
    log_offset: int


class OfOrg(Struct, frozen=True):
    org_id: str


class WithoutWordsRow(Struct, frozen=True):
    received_ms: int


SEARCH_RECORDS = Question(f"{_PACKAGE}.search_records", RecordsWithTerms, RecordWithTermRow)
SEARCH_EVENTS = Question(f"{_PACKAGE}.search_events", EventsOfRecords, EventOfRecordRow)
WITHOUT_WORDS = Question(f"{_PACKAGE}.without_words", OfOrg, WithoutWordsRow)


class EventHit(NamedTuple):
    """A text of an event that contains a term; ``marked`` is its excerpt."""

    kind: str
    marked: str
    event_id: UUID
    position: Position


def with_terms(
    question: Question[SessionsPage, SessionsPageRow], page: SessionsPage, query: SearchQuery
) -> tuple[Question[Any, SessionsPageRow], Any]:
    """Return the question for the sessions that have each term in a text of their own or of an event."""
    asked = _with_terms(question, len(query.terms))
    terms = {}
    for number, term in enumerate(query.terms):
        terms[f"words_{number}"] = list(dict.fromkeys(term))
        terms[f"phrase_{number}"] = [phrase_text(term)] if len(term) > 1 else []
    return asked, asked.params(**msgspec.structs.asdict(page), **terms)


@cache
def _with_terms(question: Question[SessionsPage, SessionsPageRow], count: int) -> Question[Any, SessionsPageRow]:
    """Return the question with a condition for each term: an index finds the events, so each has its own subquery."""
    condition = read_sql(_PACKAGE, "search_term.template")
    conditions = "".join(condition.replace("_N:", f"_{number}:") for number in range(count))
    text = read_sql(*question.name.rsplit(".", 1)).replace("{{listed}}\n", f"{{{{listed}}}}\n{conditions}")
    fields = [(f"{name}_{number}", list[str]) for number in range(count) for name in ("words", "phrase")]
    params = defstruct(
        f"{question.params.__name__}{count}", fields, bases=(question.params,), frozen=True, kw_only=True
    )
    return Question(generated(f"{question.name}_{count}_terms", text), params, question.row)


async def missing_until(context: ReadContext, org_id: str) -> int | None:
    """Return until when the org's events may be missing in a search, in ms since 1970; None if none is missing."""
    (found,) = await context.ask(WITHOUT_WORDS, OfOrg(org_id))
    return found.received_ms or None


async def event_hits(
    context: ReadContext, org_id: str, session_ids: Sequence[UUID], query: SearchQuery
) -> dict[UUID, list[EventHit]]:
    """Return the first hits in events of each session; those that show one more term come before the others."""
    terms = [phrase_text(term) for term in query.terms]
    asked = RecordsWithTerms(org_id, list(session_ids), terms, query.words, RECORDS_MAX)
    records = [(row.session_id, row.log_offset) for row in await context.ask(SEARCH_RECORDS, asked)]
    if not records:
        return {}
    ids = list(dict.fromkeys(session_id for session_id, _ in records))
    rows = await context.ask(SEARCH_EVENTS, EventsOfRecords(org_id, ids, records, sorted(TEXTS)))
    return await asyncio.to_thread(_hits_by_session, rows, query)


def _hits_by_session(rows: Sequence[EventOfRecordRow], query: SearchQuery) -> dict[UUID, list[EventHit]]:
    highlighter, by_term = Highlighter(query), [Highlighter(SearchQuery((term,))) for term in query.terms]
    hits: dict[UUID, list[EventHit]] = {}
    for session_id, of_session in groupby(rows, attrgetter("session_id")):
        missing, first, others = set(by_term), list[EventHit](), list[EventHit]()
        for hit, text in _hits(of_session, highlighter):
            shown = {one for one in missing if one.mark(text)}
            missing -= shown
            (first if shown else others).append(hit)
            if not missing and len(first) + len(others) >= HITS_MAX:
                break
        hits[session_id] = [*first, *others][:HITS_MAX]
    return hits


def _hits(rows: Iterable[EventOfRecordRow], highlighter: Highlighter) -> Iterator[tuple[EventHit, str]]:
    for row in rows:
        for kind, text in event_texts(row.event_type, read_payload(row.data), row.data):
            if (marked := highlighter.mark(text)) is not None:
                yield EventHit(kind, marked, row.event_id, Position(row.log_partition, row.log_offset)), text
