"""Cuts tables into ranges, so that each question reads a bounded part of them.

Small orgs share a range; a large one is cut at keys that the store names, a number of rows apart. A session with very
many facts is cut as well. Versions that are not merged yet count like rows, so a range never has more rows than that.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from generations.prove.tables import AnyRange, BucketRange, FactRange, HourRange, OffsetRange, SessionRange
from store.reading.question import Question
from store.reading.reader import GenerationReader

ROWS_PER_RANGE = 100_000
BLOCKS = 1_000
ORGS_PER_QUESTION = 10_000
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)
LAST_PLACE = (1 << 64) - 1
FIRST_HOUR, LAST_HOUR = datetime.fromtimestamp(0, UTC), datetime.fromtimestamp((1 << 32) - 1, UTC)

K = TypeVar("K")


class TableOrgs(Struct, frozen=True):
    """The orgs of a table after one, in order, at most ``limit``."""

    table: str
    after: str
    limit: int


class OrgRow(Struct, frozen=True):
    """An org, and about how many rows it has."""

    org_id: str
    found: int


class AfterFact(Struct, frozen=True):
    """A fact of an org; the key wanted has ``rows`` rows between them."""

    org_id: str
    session_id: UUID
    place: int
    rows: int


class FactKey(Struct, frozen=True):
    session_id: UUID
    place: int


class AfterSession(Struct, frozen=True):
    """The session that follows ``rows`` rows of a table after a session of an org."""

    table: str
    org_id: str
    session_id: UUID
    rows: int


class SessionIdRow(Struct, frozen=True):
    session_id: UUID


class AfterStart(Struct, frozen=True):
    """The row that follows ``rows`` rows of a table after a time of an org; ``start`` is the column of its time."""

    table: str
    start: str
    org_id: str
    after: datetime
    rows: int


class StartRow(Struct, frozen=True):
    """The start of an hour or a bucket, in seconds since 1970."""

    start_s: int


ORGS = Question("generations.prove.orgs", TableOrgs, OrgRow)
NEXT_FACT = Question("generations.prove.next_fact", AfterFact, FactKey)
NEXT_SESSION = Question("generations.prove.next_session", AfterSession, SessionIdRow)
NEXT_START = Question("generations.prove.next_start", AfterStart, StartRow)


class SizedRange(NamedTuple):
    """A range, and about how many rows of one generation are in it."""

    range: AnyRange
    rows: int


class OrgRows(NamedTuple):
    """An org, how many rows of a table it has in one of the generations, and the one in which it has most."""

    org_id: str
    rows: int
    most_in: GenerationReader


async def orgs_of(generations: Sequence[GenerationReader], table: str) -> list[OrgRows]:
    """Return the orgs that have rows in a table of one of the generations, in the order of its key."""
    most: dict[str, OrgRows] = {}
    for one in generations:
        after = ""
        while found := await one.ask(ORGS, TableOrgs(table, after, ORGS_PER_QUESTION)):
            after = found[-1].org_id
            for row in found:
                if row.org_id not in most or most[row.org_id].rows < row.found:
                    most[row.org_id] = OrgRows(row.org_id, row.found, one)
    return [most[org_id] for org_id in sorted(most, key=str.encode)]


def fact_ranges(orgs: Iterable[OrgRows], pins: list[int], words_since: list[int]) -> AsyncIterator[SizedRange]:
    """Cut the facts below the pins."""

    def below_pins(first: str, last: str, since: tuple[UUID, int], until: tuple[UUID, int]) -> FactRange:
        return FactRange(first, last, *since, *until, pins, words_since, block_of(pins))

    return _cut(orgs, (FIRST_ID, 0), (LAST_ID, LAST_PLACE), _next_fact, below_pins)


def session_ranges(orgs: Iterable[OrgRows], table: str) -> AsyncIterator[SizedRange]:
    """Cut a table whose key begins with org and session."""
    return _cut(orgs, FIRST_ID, LAST_ID, partial(_next_session, table), SessionRange)


def hour_ranges(orgs: Iterable[OrgRows]) -> AsyncIterator[SizedRange]:
    """Cut the sessions by the hour in which they started."""
    return _cut(orgs, FIRST_HOUR, LAST_HOUR, partial(_next_start, "sessions", "started_hour"), HourRange)


def bucket_ranges(orgs: Iterable[OrgRows]) -> AsyncIterator[SizedRange]:
    """Cut the amounts by the quarter of an hour in which they happened."""
    return _cut(orgs, FIRST_HOUR, LAST_HOUR, partial(_next_start, "amounts", "bucket"), BucketRange)


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


async def _cut(
    orgs: Iterable[OrgRows],
    first: K,
    last: K,
    following: Callable[[OrgRows, K], Awaitable[K | None]],
    range_of: Callable[[str, str, K, K], AnyRange],
) -> AsyncIterator[SizedRange]:
    """Yield ranges ``range_of`` some orgs, the first and the last of them, from one key to before another."""
    for group in _grouped(orgs):
        ends, since, left = (group[0].org_id, group[-1].org_id), first, sum(org.rows for org in group)
        while left > ROWS_PER_RANGE and (key := await following(group[0], since)) is not None:
            yield SizedRange(range_of(*ends, since, key), ROWS_PER_RANGE)
            since, left = key, left - ROWS_PER_RANGE
        yield SizedRange(range_of(*ends, since, last), left)


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
    """Return the key that ends the range: the one at ``key`` is in it, and so are the next ones."""
    found = await org.most_in.ask(NEXT_FACT, AfterFact(org.org_id, *key, ROWS_PER_RANGE - 1))
    return (found[0].session_id, found[0].place) if found else None


async def _next_session(table: str, org: OrgRows, session_id: UUID) -> UUID | None:
    found = await org.most_in.ask(NEXT_SESSION, AfterSession(table, org.org_id, session_id, ROWS_PER_RANGE))
    return found[0].session_id if found else None


async def _next_start(table: str, start: str, org: OrgRows, after: datetime) -> datetime | None:
    found = await org.most_in.ask(NEXT_START, AfterStart(table, start, org.org_id, after, ROWS_PER_RANGE))
    return datetime.fromtimestamp(found[0].start_s, UTC) if found else None
