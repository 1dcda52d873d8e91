"""A page of a session's hook events: their places first, from narrow columns, then the events themselves."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from msgspec import Raw

from query_api.question import EVENTS_PAGE, EVENTS_WHOLE, EventsPage, EventsPageRow, EventsWhole, EventWholeRow
from query_api.read_context import Reading
from query_api.sessions.event_filter import EventFilters
from schemas.http.responses import HookEvent, instant
from schemas.log.position import Position

FROM_THE_START = (1 << 64) - 1  # `version` falls as the place in the log rises
PAGE_BYTES_MAX = 32 << 20  # of payloads; a page may end early, its cursor goes on


class EventPage(NamedTuple):
    """Events in log order, and the version at which the next page begins, if there is one."""

    events: list[HookEvent]
    next_version: int | None


async def event_page(
    reading: Reading, org_id: str, session_id: UUID, filters: EventFilters, version_max: int, size: int
) -> EventPage:
    """At most ``size`` events from ``version_max`` on, and at least one if there is any."""
    question = EventsPage(org_id, session_id, *filters, version_max=version_max, limit=size + 1)
    found = await reading.ask(EVENTS_PAGE, question)
    shown = within_bytes(found[:size], PAGE_BYTES_MAX)
    if not shown:
        return EventPage([], None)
    rows = await reading.ask(
        EVENTS_WHOLE, EventsWhole(org_id, session_id, [at.event_id for at in shown], [at.version for at in shown])
    )
    return EventPage([_event(row) for row in rows], shown[-1].version - 1 if len(shown) < len(found) else None)


def within_bytes(places: Sequence[EventsPageRow], bytes_max: int) -> Sequence[EventsPageRow]:
    """As many of the first as have ``bytes_max`` together; the first one always."""
    sums = accumulate(place.bytes for place in places)
    return [place for n, (place, total) in enumerate(zip(places, sums, strict=True)) if n == 0 or total <= bytes_max]


def _event(row: EventWholeRow) -> HookEvent:
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
