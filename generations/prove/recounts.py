"""The recount of a generation, as a part of its proof: rollups against sessions, sessions against facts."""

from collections.abc import Callable

from msgspec.structs import asdict

from audit.differences import Difference
from audit.recount import Recount
from audit.recount_questions import RECOUNT_DAYS, DayRow
from audit.slices import days_asked, parts_of, slices
from generations.prove.between import days_of
from generations.prove.sides import Side, Sides
from generations.prove.tally import Tally
from store.reading.question import P, Question, R

Advance = Callable[[float], None]


class CountedAsks:
    """The questions of a recount, which reports the share that is answered."""

    def __init__(self, side: Side, advance: Advance) -> None:
        self._side, self._advance = side, advance
        self._expected, self._answered = 1, 0

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """Return the rows that answer a question."""
        rows = await self._side.ask(question, params)
        if question.name == RECOUNT_DAYS.name:
            self._expected = _questions([row for row in rows if isinstance(row, DayRow)])
        elif question.name.startswith("audit.recount_") and not question.name.endswith("pins"):
            self._answered += 1
        self._advance(min(1.0, self._answered / self._expected))
        return rows


async def recount(side: Side, sides: Sides, tally: Tally, advance: Advance) -> None:
    """Recount a generation, and note what differs."""
    asks, made_by = CountedAsks(side, advance), side.generation.fold_version
    found = await Recount(asks, None, days_asked(None, None), sides.pause, made_by).run()
    tally.note_moving_inside(asdict(found.moving))
    tally.is_cut = tally.is_cut or found.truncated
    for table in ("rollup_hourly", "rollup_daily"):
        tally.compared[table] = max(tally.compared[table], getattr(found.compared, table))
    days = await days_of(sides, [difference.key for difference in found.differences if "bucket" not in difference.key])
    for difference in sorted(found.differences, key=_row):  # so that equal tables have equal reports
        bucket = difference.key.get("bucket")
        day = bucket[:10] if bucket else days.get(difference.key.get("session_id") or "")
        tally.note_recounted(side.generation.name, difference, day)


def _row(difference: Difference) -> tuple[str, ...]:
    """Return a row's place in the report; the columns of a row stay in their order."""
    return difference.table, *(part or "" for part in difference.key.values())


def _questions(days: list[DayRow]) -> int:
    """Return how many questions a recount of these days asks, if nothing has to be compared again."""
    pieces = slices(days, days_asked(None, None))
    return sum(piece.parts + 2 for piece in pieces) + parts_of(days)
