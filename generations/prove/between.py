"""Compares ranges of a table between the two generations, and notes what certainly differs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from audit.confirm import Comparison, confirmed_differences
from generations.prove.compare import Key, Line, Place, changed_columns, compare_rows, unequal_buckets
from generations.prove.questions import SESSION_DAYS, AnyRange, ContentRow, S, SessionsOfOrg
from generations.prove.sides import Side, Sides
from generations.prove.tables import SESSIONS, Table
from generations.prove.tally import Tally
from store.sql import cut_to_size

Found = tuple[ContentRow | None, ContentRow | None]  # in the live generation, in the proved one
Content = tuple[Key, int | None]  # a key with the hash of its row
UNPAIRED_MAX = 20_000


class Between:
    """Compares the two generations of a proof. If they are one, it only reads the sums."""

    def __init__(self, sides: Sides, tally: Tally) -> None:
        self._sides, self._tally = sides, tally
        self._unpaired: dict[Key, Found] = {}  # sessions of which one generation has a row under another hour

    async def compare(self, table: Table[S], part: AnyRange) -> list[list[S]]:
        """Compare a range of a table; return its sums in each generation."""
        sums = [await side.ask(table.questions.sums, part) for side in self._sides.each]
        self._tally.compared[table.name] += sum(row.found for row in sums[0])
        if not self._sides.are_one and (buckets := unequal_buckets(*sums)):
            await self._compare_rows(table, part, buckets)
        return sums

    async def end(self) -> None:
        """Note the sessions that only one generation has."""
        self._note(SESSIONS, list(self._unpaired.items()), {})
        self._unpaired.clear()

    async def _compare_rows(self, table: Table[Any], part: AnyRange, buckets: Sequence[int]) -> None:
        async def compare(only: Sequence[Place]) -> Comparison[Line, Place]:
            return await self._comparison(
                table, part, _all_buckets(buckets for _, buckets in only), {key for key, _ in only}
            )

        first = await self._comparison(table, part, buckets, None)
        confirmed = await confirmed_differences(first, _place_of, compare, self._sides.pause)
        self._tally.moving[table.name] += confirmed.moving
        await self._read_and_note(table, part, confirmed.lines)

    async def _comparison(
        self, table: Table[Any], part: AnyRange, buckets: Sequence[int], only: set[Key] | None
    ) -> Comparison[Line, Place]:
        """Compare the rows of these buckets, or some of them. What is settled is read before the rows are."""
        settled = await self._sides.settled() if table.versioned else []
        rows = [await rows_of(side, table, part, buckets) for side in self._sides.each]
        live, proved = ([row for row in some if only is None or row.row_key in only] for some in rows)
        return compare_rows(live, proved, settled, table.versioned)

    async def _read_and_note(self, table: Table[Any], part: AnyRange, lines: Sequence[Line]) -> None:
        """Read the columns of rows that differ. A row that has changed since its hash was read was moving."""
        left = list(lines)
        for pairs in cut_to_size((line.live or 0, line.proved or 0) for line in lines):
            some, left = left[: len(pairs)], left[len(pairs) :]
            buckets = _all_buckets(line.buckets for line in some)
            hashes = sorted({content for line in some for content in (line.live, line.proved) if content is not None})
            read = [await rows_of(side, table, part, buckets, hashes) for side in self._sides.each]
            live, proved = (_by_content(rows) for rows in read)
            found = [(line, _found(line, live, proved)) for line in some]
            self._tally.moving[table.name] += sum(not _is_as_read(line, rows) for line, rows in found)
            await self._note_or_pair(table, [(line.key, rows) for line, rows in found if _is_as_read(line, rows)])

    async def _note_or_pair(self, table: Table[Any], found: Sequence[tuple[Key, Found]]) -> None:
        """Note rows; but a session that one generation lacks may be there under another hour."""
        if table is SESSIONS:
            paired = ((key[:2], self._paired(key[:2], rows)) for key, rows in found)
            found = [(key, rows) for key, rows in paired if not self._waits(key, rows)]
        undated = [named_key(table, key, rows) for key, rows in found if not any(row and row.day for row in rows)]
        self._note(table, found, await days_of(self._sides, undated))

    def _paired(self, session: Key, rows: Found) -> Found:
        """Return the rows of a session with that of the other generation, if it was found before."""
        if None not in rows:
            return rows
        other = self._unpaired.pop(session, (None, None))
        return rows[0] or other[0], rows[1] or other[1]

    def _waits(self, session: Key, rows: Found) -> bool:
        """Remember a session of one generation, since the other may follow; not too many of them."""
        if None not in rows or len(self._unpaired) >= UNPAIRED_MAX:
            return False
        self._unpaired[session] = rows
        return True

    def _note(self, table: Table[Any], found: Sequence[tuple[Key, Found]], days: Mapping[str, str]) -> None:
        for key, rows in found:
            named = named_key(table, key, rows)
            day = next((row.day for row in rows if row and row.day), None) or days.get(named["session_id"] or "")
            self._tally.note_between(table.name, named, day, changed_columns(table, *rows))


def _by_content(rows: Iterable[ContentRow]) -> dict[Content, ContentRow]:
    return {(row.row_key, row.content): row for row in rows}


def _found(line: Line, live: Mapping[Content, ContentRow], proved: Mapping[Content, ContentRow]) -> Found:
    return live.get((line.key, line.live)), proved.get((line.key, line.proved))


def _is_as_read(line: Line, rows: Found) -> bool:
    """Return whether the rows of a line are those whose hashes were compared."""
    return [row is None for row in rows] == [line.live is None, line.proved is None]


async def days_of(sides: Sides, keys: Iterable[Mapping[str, str | None]]) -> dict[str, str]:
    """Return the days on which the sessions of these keys started, as far as one of the generations has them."""
    sessions: dict[str, dict[str, None]] = {}
    for key in keys:
        if (org_id := key.get("org_id")) and (session_id := key.get("session_id")):
            sessions.setdefault(org_id, {})[session_id] = None
    days: dict[str, str] = {}
    for side in sides.each:
        for org_id, ids in sessions.items():
            for some in cut_to_size(UUID(session_id) for session_id in ids if session_id not in days):
                found = await side.ask(SESSION_DAYS, SessionsOfOrg(org_id, some))
                days |= {str(row.session_id): row.day for row in found}
    return days


async def rows_of(
    side: Side, table: Table[Any], part: AnyRange, buckets: Sequence[int], contents: Sequence[int] = ()
) -> list[ContentRow]:
    """Return rows of some buckets of a range; with ``contents`` those with one of these hashes, and their cells."""
    question = table.questions.rows
    params = question.params(**msgspec.structs.asdict(part), buckets=list(buckets), contents=list(contents))
    return await side.ask(question, params)


def named_key(table: Table[Any], key: Sequence[str], rows: Found) -> dict[str, str | None]:
    """Return the key of a row for people: a position of the log has the org and the session of its record, if known."""
    if table.key[0] != "log_partition":
        return {name: part for name, part in zip(table.key, key, strict=False) if name != "started_hour"}
    row = rows[0] or rows[1]
    known = dict(zip(table.columns, row.cells, strict=True)) if row else {}
    return {"position": ":".join(key), **{name: known.get(name) or None for name in ("org_id", "session_id")}}


def _place_of(line: Line) -> Place:
    return line.key, line.buckets


def _all_buckets(of_rows: Iterable[tuple[int, ...]]) -> list[int]:
    return sorted({bucket for buckets in of_rows for bucket in buckets})
