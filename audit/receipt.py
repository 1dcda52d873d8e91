"""The receipt of one position of the log, limited to what its org may know."""

from time import monotonic
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from edge.errors import not_found
from edge.guards import may
from edge.path_params import parse_position
from edge.principal import Caller, Principal
from query_api.freshness import PROGRESS
from query_api.read_context import Context, ReadContext
from query_api.visibility import hide_timing
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.log.position import Position
from schemas.permissions import allows
from schemas.times import instant
from store.reading.question import NoParams, Question


class PositionOfOrg(Struct, frozen=True):
    org_id: str
    log_partition: int
    log_offset: int


class OrgReceiptRow(Struct, frozen=True):
    """The outcome of a position; ``reason`` and ``dead_user_id`` (its writer) are empty unless it is dead."""

    outcome: str
    received_ms: int
    stored_ms: int
    facts: int
    added: int
    reason: str
    session_id: UUID
    dead_user_id: str


class PositionOfUser(Struct, frozen=True):
    """The position of a session's record; ``is_repeat`` if the record added nothing to the session."""

    org_id: str
    session_id: UUID
    user_id: str
    log_partition: int
    log_offset: int
    is_repeat: bool


class WroteRow(Struct, frozen=True):
    """There is such a row if the user wrote the record."""

    wrote: int


RECEIPT = Question("audit.receipt", PositionOfOrg, OrgReceiptRow)
RECEIPT_WRITER = Question("audit.receipt_writer", PositionOfUser, WroteRow)


class Receipt(Struct, frozen=True):
    """What happened to a position: projected, dead (see ``reason``), erased, or waiting.

    A waiting position has no times yet; an erased one has only the time at which it was stored.
    """

    position: Annotated[str, doc("The requested log position.", "2:1841")]
    outcome: Annotated[str, doc("What became of the record; see `reason`.", values="projected dead erased waiting")]
    received_at: fields.ReceivedAt | None = None
    stored_at: Annotated[str | None, moment("Time at which the record was visible in the tables.")] = None
    facts: Annotated[int | None, doc("Number of facts in the record.", 99)] = None
    added: Annotated[int | None, doc("Number of facts that were new.", 99)] = None
    reason: fields.Reason | None = None


@get("/receipts/{position:str}", operation_id="GetReceipt", guards=[may("receipt.read")])
async def get_receipt(position: FromPath[str], context: Context, principal: Caller) -> Response[Reply[Receipt]]:
    """Return the outcome of a position that a write of this org returned: projected, dead, erased or still waiting.

    Any other position of the log is always `waiting`, whether it belongs to another org or is not written yet. For the
    role `agent`, a position that another user wrote is also `waiting`.
    """
    began, at = monotonic(), parse_position(position)
    partitions = len(await context.ask(PROGRESS, NoParams()))
    rows = await context.ask(RECEIPT, PositionOfOrg(principal.org_id, at.partition, at.offset))
    if rows and not (allows(principal.role, "receipt.read_all") or await _wrote(principal, at, rows[0], context)):
        rows = []
    if not rows:  # for this org it is waiting, whether it is written or not
        if at.partition >= partitions:
            raise not_found()
        await hide_timing(began)
        return context.reply(Receipt(str(at), "waiting"))
    row = rows[0]
    if row.outcome == "erased":
        return context.reply(Receipt(str(at), "erased", stored_at=instant(row.stored_ms)))
    times = instant(row.received_ms), instant(row.stored_ms)
    return context.reply(Receipt(str(at), row.outcome, *times, row.facts, row.added, row.reason or None))


async def _wrote(caller: Principal, at: Position, row: OrgReceiptRow, context: ReadContext) -> bool:
    if row.outcome == "dead":
        return row.dead_user_id == caller.user_id
    params = PositionOfUser(caller.org_id, row.session_id, caller.user_id, at.partition, at.offset, not row.added)
    return bool(await context.ask(RECEIPT_WRITER, params))
