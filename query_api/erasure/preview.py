"""What an erasure of a user would erase: GET /:org_id/erasures/preview and /:org_id/erasures/positions."""

from typing import Annotated

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import Struct

from edge.guards import may
from edge.path_params import parse_position
from edge.principal import Caller
from query_api.read_context import Context
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.requests import POSITIONS_ERASED_MAX
from schemas.http.responses import Reply
from schemas.log.position import Position
from schemas.money import usd_of
from store.reading.question import Question


class UserOfOrg(Struct, frozen=True):
    org_id: str
    user_id: str


class PositionsPage(UserOfOrg, frozen=True):
    after_partition: int
    after_offset: int
    limit: int


class PreviewRow(Struct, frozen=True):
    """What a user has begun, and has sent for sessions of others."""

    sessions: int
    own_events: int
    own_cost_nano: int
    shared_sessions: int
    shared_events: int


class PositionRow(Struct, frozen=True):
    log_partition: int
    log_offset: int


PREVIEW = Question("query_api.erasure.preview", UserOfOrg, PreviewRow)
POSITIONS = Question("query_api.erasure.positions_of_user", PositionsPage, PositionRow)


class ErasurePreview(Struct, frozen=True):
    """What a user has sent: the sessions that the user began, and events in ``shared_sessions``, which others began."""

    sessions: Annotated[int, doc("Number of sessions that the user began.", 12)]
    shared_sessions: Annotated[int, doc("Number of sessions of others to which the user sent anything.", 2)]
    events: Annotated[int, doc("Number of events: all of the former sessions, and the user's of the latter.", 340)]
    cost_usd: Annotated[float, doc("Cost of the sessions that the user began, in US dollars.", 1.25)]


class RecordPosition(Struct, frozen=True):
    """The position of a record."""

    position: Annotated[str, doc("Log position.", "2:118")]


@get("/erasures/preview", operation_id="PreviewErasure", guards=[may("erase")])
async def preview_erasure(
    principal: Caller, context: Context, user_id: FromQuery[fields.UserId]
) -> Response[Reply[ErasurePreview]]:
    """Show how much a user has sent, before it is erased."""
    (row,) = await context.ask(PREVIEW, UserOfOrg(principal.org_id, user_id))
    events = row.own_events + row.shared_events
    return context.reply(ErasurePreview(row.sessions, row.shared_sessions, events, usd_of(row.own_cost_nano)))


@get("/erasures/positions", operation_id="ListPositionsToErase", guards=[may("erase")])
async def list_positions_to_erase(
    principal: Caller,
    context: Context,
    user_id: FromQuery[fields.UserId],
    after: FromQuery[Annotated[str, doc("Last position of the previous page.", "2:118")] | None] = None,
) -> Response[Reply[list[RecordPosition]]]:
    """List the positions of what a user has sent for sessions of others, in order, at most 10,000."""
    last = Position(-1, -1) if after is None else parse_position(after)
    rows = await context.ask(POSITIONS, PositionsPage(principal.org_id, user_id, *last, limit=POSITIONS_ERASED_MAX))
    return context.reply([RecordPosition(str(Position(row.log_partition, row.log_offset))) for row in rows])
