"""Which clients send what: their versions and event types, and the share of events that are unknown to this code.

Agents change with each release. A new event type is stored and counted like any other, but nothing is derived from it
until this code knows it. So operators should notice it on the day it ships.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Annotated

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import Struct

from audit.turns import OPERATOR_WAIT_S, Turn
from edge.guards import may
from query_api.days import days_of
from query_api.read_context import Context, ReadContext
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply
from store.reading.question import Question

DAYS = 7
TYPES_MAX = 10_000  # rows: a client may invent any number of types
DAY = timedelta(days=1)


class StartedIn(Struct, frozen=True):
    since: datetime
    until: datetime


class ClientsIn(StartedIn, frozen=True):
    limit: int


class ClientTypeRow(Struct, frozen=True):
    """One event type from one version of a client: the number of events, and of sessions that have them."""

    client: str | None
    client_version: str | None
    event_type: str
    events: int
    sessions: int


class UnknownRow(Struct, frozen=True):
    events: int
    unknown_events: int


CLIENTS_SEEN = Question("audit.clients", ClientsIn, ClientTypeRow)
UNKNOWN_EVENTS = Question("audit.unknown_events", StartedIn, UnknownRow)


class EventTypeSeen(Struct, frozen=True):
    """An event type that a client sent."""

    event_type: fields.EventType
    events: fields.Events
    sessions: fields.Sessions
    known: Annotated[bool, doc("Whether anything is derived from events of this type.", True)]


class ClientSeen(Struct, frozen=True):
    """One version of a client; name and version are ``null`` if unknown. ``unknown_share`` is a part of its events."""

    client: Annotated[str | None, doc("Coding agent; null where no agent reported the sessions.", "claude-code")]
    client_version: fields.ClientVersion | None
    events: fields.Events
    unknown_events: fields.UnknownEvents
    unknown_share: fields.UnknownShare
    event_types: Annotated[list[EventTypeSeen], doc("Types of events, most frequent first.")]


class ClientsSeen(Struct, frozen=True):
    """The clients of the sessions that started in these days; ``truncated`` if not all types are listed."""

    unknown_share: fields.UnknownShare
    clients: Annotated[list[ClientSeen], doc("Versions of clients, each with what it sent.")]
    truncated: fields.Truncated


class UnknownShare(Struct, frozen=True):
    """The events of the sessions that started within the last day, and how many of them have an unknown type."""

    events: fields.Events
    unknown_events: fields.UnknownEvents
    unknown_share: fields.UnknownShare


@get("/clients", operation_id="ShowClients", guards=[may("operate")])
async def show_clients(
    context: Context,
    turn: Turn,
    start_date: FromQuery[fields.StartDate | None] = None,
    end_date: FromQuery[fields.EndDate | None] = None,
) -> Response[Reply[ClientsSeen]]:
    """Show which event types each version of each client sent in the sessions that started in these days.

    The default is the last seven days. ``known`` is false for a type that is stored but from which nothing is derived.
    """
    today = datetime.now(UTC).date()
    end = end_date or today
    days = days_of(start_date or end - timedelta(days=DAYS - 1), end, today)
    async with turn.within(OPERATOR_WAIT_S):
        rows = await context.ask(CLIENTS_SEEN, ClientsIn(days.since, days.until, TYPES_MAX))
    clients = [_client(list(of_version)) for _, of_version in groupby(rows, attrgetter("client", "client_version"))]
    unknown = sum(client.unknown_events for client in clients)
    share = _share(unknown, sum(client.events for client in clients))
    return context.reply(ClientsSeen(share, clients, len(rows) == TYPES_MAX))


async def unknown_share(context: ReadContext) -> UnknownShare:
    """Return the share of events of unknown types in the sessions that started within the last day."""
    now = datetime.now(UTC)
    (row,) = await context.ask(UNKNOWN_EVENTS, StartedIn(now - DAY, now + DAY))
    return UnknownShare(row.events, row.unknown_events, _share(row.unknown_events, row.events))


def _client(rows: list[ClientTypeRow]) -> ClientSeen:
    types = [
        EventTypeSeen(row.event_type, row.events, row.sessions, row.event_type in KNOWN_EVENT_TYPES) for row in rows
    ]
    events, unknown = _sum(types), _sum(one for one in types if not one.known)
    return ClientSeen(rows[0].client, rows[0].client_version, events, unknown, _share(unknown, events), types)


def _sum(types: Iterable[EventTypeSeen]) -> int:
    return sum(one.events for one in types)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
