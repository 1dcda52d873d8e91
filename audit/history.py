"""Folds a session again from its facts up to an offset, with the projector's fold and prices.

A session may have more than 100,000 facts. They are read in pages and folded in a thread, off the event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from audit.turns import RequestTurn, Turns
from processors.fold.fold import begin, fold
from processors.fold.state import SessionState
from processors.projections.records import place_at
from processors.projections.sessions import session_row
from query_api.prices import price_list
from query_api.read_context import ReadContext
from query_api.sessions.by_id import SessionDetailRow, SessionOfOrg
from schemas.log.records import EVENTS_RECORDED
from schemas.store.rows import FactRow, SessionRow
from store.reading.question import Question
from store.sql import cut_to_size

FACTS_PER_PAGE = 5_000
FOLDED_AT_ONCE = 2  # sessions in one process; each may take about 50 MB
WAIT_S = 10.0


class FactsPage(SessionOfOrg, frozen=True):
    """A session's facts in log order, at the places ``[since, below)``."""

    since: int
    below: int
    limit: int


class RecordsOfFacts(SessionOfOrg, frozen=True):
    places: list[int]


class RecordOfFactRow(Struct, frozen=True):
    """The stored record of a lifecycle request."""

    place: int
    data: bytes


FACTS = Question("audit.facts_page", FactsPage, FactRow)
RECORDS = Question("audit.records_of_facts", RecordsOfFacts, RecordOfFactRow)


class FoldedHistory:
    """`History` of one process; it folds a few sessions at a time."""

    def __init__(self) -> None:
        self._turns = Turns(FOLDED_AT_ONCE, "Other sessions are being folded right now; send the same request again.")

    async def state_at(self, context: ReadContext, org_id: str, session_id: UUID, offset: int) -> SessionDetailRow:
        prices = await price_list(context)
        async with RequestTurn(self._turns).within(WAIT_S):
            state: SessionState | None = None
            facts = FactsPage(org_id, session_id, 0, place_at(offset + 1, 0), FACTS_PER_PAGE)
            async for page in _pages(context, facts):
                state = await asyncio.to_thread(_fold_all, state, page)
            if state is None:
                raise LookupError(f"session {session_id} has no fact up to offset {offset}")
            return _detail(await asyncio.to_thread(session_row, state, prices))


async def _pages(context: ReadContext, first: FactsPage) -> AsyncIterator[Sequence[FactRow]]:
    """Yield the facts in log order, with the records of lifecycle requests."""
    asked: FactsPage | None = first
    while asked is not None:
        page = await context.ask(FACTS, asked)
        # Hook events don't need their records, since their columns suffice to fold.
        rows = {row.place: row for row in page if row.kind != EVENTS_RECORDED}
        for places in cut_to_size(rows):
            for record in await context.ask(RECORDS, RecordsOfFacts(first.org_id, first.session_id, places)):
                rows[record.place].data = record.data
        yield page
        asked = replace(asked, since=page[-1].place + 1) if len(page) == first.limit else None


def _fold_all(state: SessionState | None, page: Sequence[FactRow]) -> SessionState | None:
    for row in page:
        if state is None:
            state = begin(row)
        fold(state, row)
    return state


def _detail(row: SessionRow) -> SessionDetailRow:
    """Return the row in the form in which a query of the table returns it."""
    values = asdict(row)
    times = {f"{name}_ms": values[f"{name}_at"] for name in ("started", "last_event", "ended")}
    same = {name: values[name] for name in SessionDetailRow.__struct_fields__ if name in values}
    return SessionDetailRow(**{**same, **times, "first_prompts": []})
