"""The hook events of one session, in pages: first their positions from narrow columns, then the events themselves."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Raw, Struct
from msgspec.structs import asdict

from edge.errors import invalid
from edge.guards import may
from edge.principal import Caller
from query_api.days import bound
from query_api.paging import PER_PAGE_DEFAULT, UnknownCursor, open_cursor, seal_cursor
from query_api.read_context import Context, Secrets
from query_api.sessions.by_id import SessionOfOrg
from query_api.sessions.one import load_visible_session
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.http.responses import Reply
from schemas.log.position import Position
from schemas.times import instant
from store.reading.question import Question

EVENTS_PER_PAGE_MAX = 1000
PAGE_BYTES_MAX = 32 << 20  # of payloads; the page ends early there, and its cursor continues


class EventFilter(Struct, frozen=True):
    """Filters of a session's hook events. ``None`` filters nothing; ``after`` is inclusive, ``before`` exclusive."""

    event_type: str | None
    tool_name: str | None
    agent_id: str | None
    after: datetime | None
    before: datetime | None


class EventsPage(EventFilter, frozen=True):
    """Hook events of a session that match, starting at the place ``since`` in the log."""

    org_id: str
    session_id: UUID
    since: int
    limit: int


class EventsPageRow(Struct, frozen=True):
    """The place of one event of the page, and the size of its payload."""

    place: int
    bytes: int


class EventsAt(SessionOfOrg, frozen=True):
    places: list[int]


class EventRow(Struct, frozen=True):
    """A hook event; ``data`` holds the client's bytes."""

    event_id: UUID
    event_type: str
    timestamp_ms: int
    received_ms: int
    seq: int | None
    tool: str | None
    agent: str | None
    data: bytes
    log_partition: int
    log_offset: int


EVENTS_PAGE = Question("query_api.sessions.events_page", EventsPage, EventsPageRow)
EVENTS_AT = Question("query_api.sessions.events_at", EventsAt, EventRow)


class HookEvent(Struct, frozen=True):
    """A hook event as recorded; ``data`` is the payload byte for byte, ``position`` that of its record in the log."""

    event_id: fields.EventId
    event_type: fields.EventType
    timestamp: fields.Timestamp
    received_at: fields.ReceivedAt
    seq: fields.Seq | None
    tool_name: fields.ToolName | None
    agent_id: fields.AgentId | None
    data: fields.EventData
    position: Annotated[str, doc("Log position of the record that holds the event.", "2:1841")]


def within_bytes(rows: Sequence[EventsPageRow], bytes_max: int) -> Sequence[EventsPageRow]:
    """Return the first rows whose payloads together fit into ``bytes_max``, and always the first row."""
    sums = accumulate(row.bytes for row in rows)
    return [row for n, (row, total) in enumerate(zip(rows, sums, strict=True)) if n == 0 or total <= bytes_max]


def _event(row: EventRow) -> HookEvent:
    return HookEvent(
        event_id=row.event_id,
        event_type=row.event_type,
        timestamp=instant(row.timestamp_ms),
        received_at=instant(row.received_ms),
        seq=row.seq,
        tool_name=row.tool,
        agent_id=row.agent,
        data=Raw(row.data),
        position=str(Position(row.log_partition, row.log_offset)),
    )


def provide_event_filter(
    event_type: FromQuery[fields.EventType | None] = None,
    tool_name: FromQuery[fields.ToolName | None] = None,
    agent_id: FromQuery[fields.AgentId | None] = None,
    after: FromQuery[Annotated[datetime, moment("Return only events at or after this time.")] | None] = None,
    before: FromQuery[Annotated[datetime, moment("Return only events before this time.")] | None] = None,
) -> EventFilter:
    """Return the filter of the query parameters; the times refer to when events happened.

    Raises `ApiError` (422) for a time without an offset.
    """
    return EventFilter(event_type, tool_name, agent_id, bound("after", after), bound("before", before))


@get("/sessions/{session_id:str}/events", operation_id="ListEvents", guards=[may("session.read")])
async def list_events(
    session_id: FromPath[str],
    principal: Caller,
    context: Context,
    id_secrets: Secrets,
    event_filter: NamedDependency[EventFilter],
    cursor: FromQuery[
        Annotated[str, doc("`meta.next_cursor` of the previous page, with the same filters.")] | None
    ] = None,
    per_page: Annotated[int, QueryParameter(ge=1, le=EVENTS_PER_PAGE_MAX), fields.PER_PAGE] = PER_PAGE_DEFAULT,
) -> Response[Reply[list[HookEvent]]]:
    """List the hook events of a session in log order, each payload byte for byte.

    ``meta.next_cursor`` leads to the next page of the same session with the same filters; it is null at the end. A page
    with large payloads may hold fewer events than ``per_page``.
    """
    session = await load_visible_session(context, principal, session_id, id_secrets)
    times = (None if at is None else at.isoformat() for at in (event_filter.after, event_filter.before))
    filters = [event_filter.event_type, event_filter.tool_name, event_filter.agent_id, *times]
    bound_to = ["events at", principal.org_id, session.id.bytes, *filters]
    try:
        begin = 0 if cursor is None else open_cursor(id_secrets.seed_key, bound_to, cursor)
    except UnknownCursor as error:
        message = "must be a next_cursor of this session's events, with the same filters"
        raise invalid({"cursor": [message]}) from error
    params = EventsPage(
        **asdict(event_filter), org_id=principal.org_id, session_id=session.id, since=begin, limit=per_page + 1
    )
    found = await context.ask(EVENTS_PAGE, params)
    shown = within_bytes(found[:per_page], PAGE_BYTES_MAX)  # the last row found only shows that more follow
    places = [row.place for row in shown]
    rows = await context.ask(EVENTS_AT, EventsAt(principal.org_id, session.id, places)) if places else []
    is_last = len(shown) == len(found)
    following = None if is_last else seal_cursor(id_secrets.seed_key, bound_to, shown[-1].place + 1)
    return context.reply([_event(row) for row in rows], {"next_cursor": following})
