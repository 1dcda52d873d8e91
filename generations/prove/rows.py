"""Compares the rows of a range between the two generations, and yields those that certainly differ.

1. Sums by bucket tell which buckets differ (`unequal_buckets`).
2. The hashes of their rows tell which rows differ; a second reading confirms it (`audit.confirm`).
3. The columns of these rows are read, some rows at a time. A row whose hash has changed meanwhile is moving.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec.structs import asdict

from audit.confirm import Comparison, Confirmed, confirmed_differences
from generations.prove.compare import Place, RowKey, RowPair, Unequal, compare_rows, unchanged_pairs, unequal_buckets
from generations.prove.pair import Pair
from generations.prove.tables import AnyRange, ContentRow, Sums, Table
from store.reading.reader import GenerationReader
from store.sql import cut_to_size

HALVES_MAX = 20_000


class Compared(NamedTuple):
    """How many rows were compared, how many of them were being written, and some that differ."""

    rows: int = 0
    moving: int = 0
    pairs: Sequence[RowPair] = ()


async def compare(pair: Pair, table: Table, part: AnyRange, sums: Sequence[Sequence[Sums]]) -> AsyncIterator[Compared]:
    """Compare a range of a table, of which ``sums`` are those of each generation. One generation equals itself."""
    yield Compared(rows=sum(row.found for row in sums[0]))
    buckets = unequal_buckets(sums[0], sums[-1])
    if not buckets:
        return
    confirmed = await _confirmed(pair, table, part, buckets)
    yield Compared(moving=confirmed.moving)
    rows = iter(confirmed.lines)
    for hashes in cut_to_size((row.live or 0, row.proved or 0) for row in confirmed.lines):
        some = list(islice(rows, len(hashes)))
        of_rows = _all_buckets(row.buckets for row in some)
        contents = sorted({one for row in some for one in (row.live, row.proved) if one is not None})
        live, proved = [await rows_of(each, table, part, of_rows, contents) for each in pair.each]
        found = unchanged_pairs(some, live, proved)
        yield Compared(moving=len(some) - len(found), pairs=found)


async def _confirmed(pair: Pair, table: Table, part: AnyRange, buckets: Sequence[int]) -> Confirmed[Unequal]:
    async def compare_again(places: Sequence[Place]) -> Comparison[Unequal, Place]:
        of_places = _all_buckets(buckets for _, buckets in places)
        return await _comparison(pair, table, part, of_places, {key for key, _ in places})

    first = await _comparison(pair, table, part, buckets, None)
    return await confirmed_differences(first, lambda row: (row.key, row.buckets), compare_again, pair.pause)


async def _comparison(
    pair: Pair, table: Table, part: AnyRange, buckets: Sequence[int], only: set[RowKey] | None
) -> Comparison[Unequal, Place]:
    """Compare the rows of these buckets, or ``only`` some of them. What is settled is read before the rows are."""
    settled = await pair.settled() if table.is_versioned else []
    rows = [await rows_of(one, table, part, buckets) for one in pair.each]
    live, proved = ([row for row in some if only is None or row.row_key in only] for some in rows)
    return compare_rows(live, proved, settled, table.is_versioned)


async def rows_of(
    one: GenerationReader, table: Table, part: AnyRange, buckets: Sequence[int], hashes: Sequence[int] = ()
) -> list[ContentRow]:
    """Return rows of some buckets of a range; with ``hashes`` those with one of them, and their columns."""
    return await one.ask(table.rows, table.rows.params(**asdict(part), buckets=list(buckets), contents=list(hashes)))


async def join_hours(found: AsyncIterator[Compared]) -> AsyncIterator[Compared]:
    """Join the two rows of a session that started in different hours, since the hour is in the table's key.

    They may be in different ranges. So a row that only one generation has waits for the other one, and is yielded at
    the end if none comes. At most `HALVES_MAX` rows wait.
    """
    halves: dict[RowKey, RowPair] = {}
    async for some in found:
        joined: list[RowPair] = []
        for pair in some.pairs:
            session = pair.key[:2]
            whole = pair if pair.is_whole else pair.joined(halves.pop(session, None))
            if whole.is_whole or len(halves) >= HALVES_MAX:
                joined.append(whole)
            else:
                halves[session] = whole
        yield some._replace(pairs=joined)
    if halves:
        yield Compared(pairs=list(halves.values()))


def _all_buckets(of_rows: Iterable[Sequence[int]]) -> list[int]:
    return sorted({bucket for buckets in of_rows for bucket in buckets})
