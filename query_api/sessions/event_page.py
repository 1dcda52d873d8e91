"""A page of a session's hook events: first their positions, from narrow columns, then the events themselves."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Meta, Raw, Struct

from kernel.times import instant
from query_api.question import Question
from query_api.read_context import ReadContext
from schemas.log.position import Position

PAGE_BYTES_MAX = 32 << 20  # of payloads; a page may end early, and its cursor continues there


class EventsPage(Struct, frozen=True):
    """Hook events of a session from a place in the log (``version_max``) on; ``None`` filters nothing."""

    org_id: str
    session_id: UUID
    event_type: str | None
    tool_name: str | None
    agent_id: str | None
    after: datetime | None
    before: datetime | None
    version_max: int
    limit: int


class EventsPageRow(Struct, frozen=True):
    """The identity of one event of the page, and the size of its payload."""

    event_id: UUID
    version: int
    bytes: int


class EventsById(Struct, frozen=True):
    """These events of a session, each in the version that counts."""

    org_id: str
    session_id: UUID
    event_ids: list[UUID]
    versions: list[int]


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
EVENTS_BY_ID = Question("query_api.sessions.events_by_id", EventsById, EventRow)


class HookEvent(Struct, frozen=True):
    """A hook event as it was recorded; ``data`` is the payload byte for byte, ``position`` its record in the log."""

    event_id: UUID
    event_type: str
    timestamp: str
    received_at: str
    seq: int | None
    tool_name: str | None
    agent_id: str | None
    data: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    position: str


class EventPage(NamedTuple):
    """Events in log order, and the version at which the next page begins, if there is one."""

    events: list[HookEvent]
    next_version: int | None


async def load_event_page(context: ReadContext, params: EventsPage) -> EventPage:
    """Return at most ``limit - 1`` events, and at least one if there is any; the last row shows that there are more."""
    found = await context.ask(EVENTS_PAGE, params)
    shown = within_bytes(found[: params.limit - 1], PAGE_BYTES_MAX)
    if not shown:
        return EventPage([], None)
    ids, versions = [row.event_id for row in shown], [row.version for row in shown]
    rows = await context.ask(EVENTS_BY_ID, EventsById(params.org_id, params.session_id, ids, versions))
    return EventPage([_event(row) for row in rows], shown[-1].version - 1 if len(shown) < len(found) else None)


def within_bytes(rows: Sequence[EventsPageRow], bytes_max: int) -> Sequence[EventsPageRow]:
    """Return the first rows whose payloads fit into ``bytes_max`` together, and the first row in any case."""
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
