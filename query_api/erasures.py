"""GET /:org_id/erasures: the sessions of an org that were erased."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from msgspec import Struct

from edge.guards import may
from edge.principal import Caller
from query_api.erasure.checks import LAST_CHECKS, certified_below
from query_api.read_context import Context, Paging
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.log.position import Position
from schemas.times import instant
from store.generations import known_generations
from store.reading.generations import GENERATIONS
from store.reading.question import NoParams, Question


class ErasuresPage(Struct, frozen=True):
    org_id: str
    limit: int
    offset: int


class ErasedSessionRow(Struct, frozen=True):
    """A session that a record at this position erases, or some of its ``records``."""

    erasure: UUID
    session_id: UUID
    records: int
    requested_ms: int
    reason: str
    log_partition: int
    log_offset: int
    state: str
    total_count: int


ERASURES = Question("query_api.erasures", ErasuresPage, ErasedSessionRow)


class Erasure(Struct, frozen=True):
    """A session that was erased, or some of its records, by which request, and how far that is."""

    id: fields.ErasureId
    session_id: fields.Id
    records: Annotated[int, doc("Number of records that were erased of a session that goes on.", 3)] | None
    state: fields.ErasureState
    requested_at: Annotated[str, moment("Time at which the erasure was requested.")]
    reason: fields.ErasureReason
    position: Annotated[str, doc("Log position of the erasure.", "2:1841")]


@get("/erasures", operation_id="ListErasures", guards=[may("erase")])
async def list_erasures(principal: Caller, context: Context, paging: Paging) -> Response[Reply[list[Erasure]]]:
    """List the sessions of the org that were erased, the latest first. Of each, no more than this is known.

    A session that goes on without some of its ``records`` is listed, too; without ``records``, all of it is erased.
    """
    params = ErasuresPage(principal.org_id, limit=paging.size, offset=paging.offset)
    rows, total = await context.ask_page(ERASURES, params)
    known = known_generations(await context.ask_control(GENERATIONS, NoParams()))
    checks = await context.ask_control(LAST_CHECKS, NoParams())
    partitions = {row.log_partition for row in rows}
    certified = {partition: certified_below(known, checks, partition) for partition in partitions}
    return context.reply([_erasure(row, certified[row.log_partition]) for row in rows], paging.meta(total))


def _erasure(row: ErasedSessionRow, certified_below: int) -> Erasure:
    position = str(Position(row.log_partition, row.log_offset))
    state = "certified" if row.log_offset < certified_below else row.state
    requested_at, records = instant(row.requested_ms), row.records or None
    return Erasure(row.erasure, row.session_id, records, state, requested_at, row.reason, position)
