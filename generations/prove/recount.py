"""The recount of a generation, as a part of its proof: rollups against sessions, sessions against facts."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from msgspec.structs import asdict

from audit.differences import Difference
from audit.recount import INTERVALS, Recount
from audit.recount_questions import RECOUNT_DAYS, DayRow
from audit.slices import days_asked, parts_of, slices
from generations.prove.pair import Pair
from generations.prove.proof import Changed, DifferentRow, Found
from store.reading.question import P, Question, R
from store.reading.reader import GenerationReader

Advance = Callable[[float], None]


class CountedAsks:
    """The questions of a recount, which reports the share that is answered."""

    def __init__(self, one: GenerationReader, advance: Advance) -> None:
        self._one, self._advance = one, advance
        self._expected, self._answered = 1, 0

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        rows = await self._one.ask(question, params)
        if question.name == RECOUNT_DAYS.name:
            days = [row for row in rows if isinstance(row, DayRow)]
            # The questions of a recount, if nothing has to be compared again.
            self._expected = sum(2 * piece.parts + 3 for piece in slices(days, days_asked(None, None))) + parts_of(days)
        elif question.name.startswith("audit.recount_"):
            self._answered += 1
        self._advance(min(1.0, self._answered / self._expected))
        return rows


async def recount(one: GenerationReader, pair: Pair, advance: Advance) -> Found:
    """Return the rows of a generation that differ from their recount; it reports the share that is done."""
    asks, made_by = CountedAsks(one, advance), one.generation.fold_version
    found = await Recount(asks, None, days_asked(None, None), pair.pause, made_by).run()
    compared = {table: getattr(found.compared, table) for table in INTERVALS}
    rows = await pair.dated(list(_rows(one.name, found.differences)))
    return Found(compared, asdict(found.moving), rows, found.truncated)


def _rows(generation: str, differences: Iterable[Difference]) -> Iterator[DifferentRow]:
    """Yield the differences by row, sorted, so that equal tables have equal reports."""
    for _, of_row in groupby(sorted(differences, key=_row), key=_row):
        columns = list(of_row)
        table, key = columns[0].table, columns[0].key
        changed = tuple(Changed(one.column, one.stored, one.recounted) for one in columns)
        day = (key.get("bucket") or "")[:10] or None
        yield DifferentRow(table, tuple(key.items()), day, changed, generation)


def _row(difference: Difference) -> tuple[str | tuple[bool, str], ...]:
    """Return a row's place in the report; the columns of a row stay in their order."""
    return difference.table, *((part is not None, part or "") for part in difference.key.values())
