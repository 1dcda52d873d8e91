"""Cutting a recount into slices, so that memory and time of each question are bounded. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from audit.questions import DayRow
from edge.errors import invalid
from query_api.days import DAY_MAX, DAY_MIN, Days

EVENTS_PER_QUESTION = 2_000_000
SESSIONS_PER_QUESTION = 200_000


class Slice(NamedTuple):
    """Days that are compared at once; their sessions in ``parts`` questions, each about as large as the others."""

    since: datetime
    until: datetime
    sessions: int
    events: int

    def until_end_of(self, later: "Slice") -> "Slice":
        """This slice and all days up to a later one."""
        return Slice(self.since, later.until, self.sessions + later.sessions, self.events + later.events)

    @property
    def parts(self) -> int:
        """One, unless a single day is too much for one question."""
        return max(1, -(-self.events // EVENTS_PER_QUESTION), -(-self.sessions // SESSIONS_PER_QUESTION))


def days_asked(start_date: date | None, end_date: date | None) -> Days:
    """The days asked for, without a limit: by default all there are.

    Raises:
        ApiError: 422 if the end is before the start, or the store's calendar does not know them.
    """
    days = Days(start_date or DAY_MIN, end_date or DAY_MAX)
    wrong = {
        name: [f"must be between {DAY_MIN} and {DAY_MAX}"]
        for name, day in (("start_date", days.first), ("end_date", days.last))
        if not DAY_MIN <= day <= DAY_MAX
    }
    if wrong:
        raise invalid(wrong)
    if days.last < days.first:
        raise invalid({"end_date": ["must not be before start_date"]})
    return days


def slices(days: Iterable[DayRow], asked: Days) -> Iterator[Slice]:
    """The days asked for, in order: as many as fit into one question, but at least one."""
    taken: Slice | None = None
    for day in filter(lambda day: asked.since <= day.since < asked.until, map(_slice, days)):
        joined = day if taken is None else taken.until_end_of(day)
        if taken is not None and joined.parts > 1:
            yield taken
            joined = day
        taken = joined
    if taken is not None:
        yield taken


def parts_of(days: Iterable[DayRow]) -> int:
    """Into how many questions one about all sessions at once is cut."""
    return max(1, -(-sum(day.sessions for day in days) // SESSIONS_PER_QUESTION))


def _slice(day: DayRow) -> Slice:
    since = datetime.fromtimestamp(day.day, UTC)
    return Slice(since, since + timedelta(days=1), day.sessions, day.events)
