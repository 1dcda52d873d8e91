"""Cuts tables into ranges, so that each question reads a bounded part of them.

Small orgs share a range; a large one is cut at keys that the store names, a number of rows apart. A session with very
many facts is cut as well. Versions that are not merged yet count like rows, so a range never has more rows than that.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from generations.prove.questions import (
    NEXT_FACT,
    NEXT_HOUR,
    NEXT_SESSION,
    ORGS,
    AfterFact,
    AfterHour,
    AfterSession,
    AnyRange,
    FactRange,
    HourRange,
    OffsetRange,
    SessionRange,
    TableOrgs,
)
from generations.prove.sides import Side, Sides

ROWS_PER_RANGE = 100_000
BLOCKS = 1_000
ORGS_PER_QUESTION = 10_000
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)
LAST_PLACE = (1 << 64) - 1
FIRST_HOUR, LAST_HOUR = datetime.fromtimestamp(0, UTC), datetime.fromtimestamp((1 << 32) - 1, UTC)

K = TypeVar("K")


class SizedRange(NamedTuple):
    """A range, and about how many rows of one generation are in it."""

    range: AnyRange
    rows: int


class OrgRows(NamedTuple):
    """An org, how many rows of a table it has at most in one generation, and the side on which that is."""

    org_id: str
    rows: int
    side: Side


class Cut(NamedTuple, Generic[K]):
    """The rows of the orgs ``[first, last]`` from one key to before another."""

    first: str
    last: str
    since: K
    until: K
    rows: int


async def orgs_of(sides: Sides, table: str) -> list[OrgRows]:
    """Return the orgs that have rows in a table of either generation, in the order of its key."""
    most: dict[str, OrgRows] = {}
    for side in sides.each:
        async for org_id, rows in _orgs(side, table):
            if org_id not in most or most[org_id].rows < rows:
                most[org_id] = OrgRows(org_id, rows, side)
    return [most[org_id] for org_id in sorted(most, key=str.encode)]


async def _orgs(side: Side, table: str) -> AsyncIterator[tuple[str, int]]:
    after = ""
    while found := await side.ask(ORGS, TableOrgs(table, after, ORGS_PER_QUESTION)):
        for row in found:
            yield row.org_id, row.found
        after = found[-1].org_id


async def fact_ranges(orgs: Iterable[OrgRows], pins: list[int]) -> AsyncIterator[SizedRange]:
    """Cut the facts below the pins."""
    block = block_of(pins)
    async for cut in _cuts(orgs, (FIRST_ID, 0), (LAST_ID, LAST_PLACE), _next_fact):
        yield SizedRange(FactRange(cut.first, cut.last, *cut.since, *cut.until, pins, block), cut.rows)


async def session_ranges(orgs: Iterable[OrgRows], table: str) -> AsyncIterator[SizedRange]:
    """Cut a table whose key begins with org and session."""
    async for cut in _cuts(orgs, FIRST_ID, LAST_ID, partial(_next_session, table)):
        yield SizedRange(SessionRange(cut.first, cut.last, cut.since, cut.until), cut.rows)


async def hour_ranges(orgs: Iterable[OrgRows]) -> AsyncIterator[SizedRange]:
    """Cut the sessions by the hour in which they started."""
    async for cut in _cuts(orgs, FIRST_HOUR, LAST_HOUR, _next_hour):
        yield SizedRange(HourRange(cut.first, cut.last, cut.since, cut.until), cut.rows)


def offset_ranges(pins: list[int]) -> Iterator[tuple[OffsetRange, int]]:
    """Yield the offsets below the pins in ranges, each with its number of positions."""
    step = max(1, ROWS_PER_RANGE // max(1, len(pins)))
    for since in range(0, max(pins, default=0), step):
        until = since + step
        yield OffsetRange(since, until, pins, block_of(pins)), sum(map(len, positions(pins, since, until)))


def positions(pins: Sequence[int], since: int, until: int) -> list[range]:
    """Return, by partition, the offsets in ``[since, until)`` below its pin."""
    return [range(since, max(since, min(until, pin))) for pin in pins]


def block_of(pins: Sequence[int]) -> int:
    """Return how many offsets are in a bucket, so that there are at most `BLOCKS` of them."""
    return max(1, -(-max(pins, default=0) // BLOCKS))


async def _cuts(
    orgs: Iterable[OrgRows], first: K, last: K, following: Callable[[OrgRows, K], Awaitable[K | None]]
) -> AsyncIterator[Cut[K]]:
    for group in _grouped(orgs):
        since, left = first, sum(org.rows for org in group)
        while left > ROWS_PER_RANGE and (key := await following(group[0], since)) is not None:
            yield Cut(group[0].org_id, group[-1].org_id, since, key, ROWS_PER_RANGE)
            since, left = key, left - ROWS_PER_RANGE
        yield Cut(group[0].org_id, group[-1].org_id, since, last, left)


def _grouped(orgs: Iterable[OrgRows]) -> Iterator[list[OrgRows]]:
    """Take orgs together as long as their rows fit into one range, but at least one."""
    group: list[OrgRows] = []
    for org in orgs:
        if group and sum(other.rows for other in group) + org.rows > ROWS_PER_RANGE:
            yield group
            group = []
        group.append(org)
    if group:
        yield group


async def _next_fact(org: OrgRows, key: tuple[UUID, int]) -> tuple[UUID, int] | None:
    found = await org.side.ask(NEXT_FACT, AfterFact(org.org_id, *key, ROWS_PER_RANGE))
    return (found[0].session_id, found[0].place) if found else None


async def _next_session(table: str, org: OrgRows, session_id: UUID) -> UUID | None:
    found = await org.side.ask(NEXT_SESSION, AfterSession(table, org.org_id, session_id, ROWS_PER_RANGE))
    return found[0].session_id if found else None


async def _next_hour(org: OrgRows, hour: datetime) -> datetime | None:
    found = await org.side.ask(NEXT_HOUR, AfterHour(org.org_id, hour, ROWS_PER_RANGE))
    return datetime.fromtimestamp(found[0].hour, UTC) if found else None
