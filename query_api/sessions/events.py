"""The hook events of one session."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from edge.errors import invalid
from edge.guards import may
from edge.path_params import parse_id
from edge.principal import Principal
from query_api.cursor import UnknownCursor, open_cursor, seal_cursor
from query_api.paging import PER_PAGE_DEFAULT
from query_api.read_context import Reading
from query_api.sessions.event_filter import EventFilters
from query_api.sessions.event_page import FROM_THE_START, event_page
from query_api.sessions.session_access import visible_session
from schemas.http.responses import HookEvent, Reply
from schemas.ids import IdSecrets

EVENTS_PER_PAGE_MAX = 1000


@get("/sessions/{session_id:str}/events", operation_id="ListEvents", guards=[may("session.read")])
async def list_events(
    session_id: FromPath[str],
    principal: NamedDependency[Principal],
    reading: NamedDependency[Reading],
    id_secrets: NamedDependency[IdSecrets],
    event_filters: NamedDependency[EventFilters],
    cursor: FromQuery[str | None] = None,
    per_page: Annotated[int, QueryParameter(ge=1, le=EVENTS_PER_PAGE_MAX)] = PER_PAGE_DEFAULT,
) -> Response[Reply[list[HookEvent]]]:
    """Hook events in the order in which the log has them, each payload byte for byte.

    ``meta.next_cursor`` leads to the next page of the same session with the same filters; it is null at the end. A page
    may hold fewer events than asked for where payloads are large.
    """
    session = await visible_session(reading, principal, parse_id(session_id), id_secrets)
    bound_to = _bound_to(principal.org_id, session.id, event_filters)
    begin = FROM_THE_START if cursor is None else _opened(id_secrets, bound_to, cursor)
    page = await event_page(reading, principal.org_id, session.id, event_filters, begin, per_page)
    after = None if page.next_version is None else seal_cursor(id_secrets.seed_key, bound_to, page.next_version)
    return reading.reply(page.events, {"next_cursor": after})


def _bound_to(org_id: str, session_id: UUID, filters: EventFilters) -> list[str | bytes | None]:
    return ["events", org_id, session_id.bytes, *filters.text()]


def _opened(secrets: IdSecrets, bound_to: list[str | bytes | None], cursor: str) -> int:
    try:
        return open_cursor(secrets.seed_key, bound_to, cursor)
    except UnknownCursor as error:
        message = "must be a next_cursor of this session's events, with the same filters"
        raise invalid({"cursor": [message]}) from error
