"""The slices of a recount, which limit the memory and time of each question. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from audit.recount_questions import DayRow
from edge.errors import invalid
from query_api.days import DAY_MAX, DAY_MIN, Days, check_known

EVENTS_PER_QUESTION = 2_000_000
SESSIONS_PER_QUESTION = 200_000


class RecountSlice(NamedTuple):
    """Days that are compared at once; their sessions take ``parts`` questions of about the same size."""

    since: datetime
    until: datetime
    sessions: int
    events: int

    @property
    def parts(self) -> int:
        """Return the number of questions: 1, unless a single day is too large for one."""
        return max(1, -(-self.events // EVENTS_PER_QUESTION), -(-self.sessions // SESSIONS_PER_QUESTION))


def days_asked(start_date: date | None, end_date: date | None) -> Days:
    """Return the days of a request, without a limit on their number; the default is all days.

    Raises `ApiError` (422) if the end is before the start, or a day is outside the store's range.
    """
    check_known(start_date=start_date, end_date=end_date)
    days = Days(start_date or DAY_MIN, end_date or DAY_MAX)
    if days.last < days.first:
        raise invalid({"end_date": ["must not be before start_date"]})
    return days


def slices(days: Iterable[DayRow], requested: Days) -> Iterator[RecountSlice]:
    """Yield the requested days in order, in slices of as many days as fit into one question, at least one."""
    taken: RecountSlice | None = None
    for row in days:
        since = datetime.fromtimestamp(row.day, UTC)
        if not requested.since <= since < requested.until:
            continue
        day = RecountSlice(since, since + timedelta(days=1), row.sessions, row.events)
        joined = day
        if taken is not None:
            joined = RecountSlice(taken.since, day.until, taken.sessions + day.sessions, taken.events + day.events)
            if joined.parts > 1:
                yield taken
                joined = day
        taken = joined
    if taken is not None:
        yield taken


def parts_of(days: Iterable[DayRow]) -> int:
    """Return the number of parts into which to split a question about all sessions."""
    return max(1, -(-sum(day.sessions for day in days) // SESSIONS_PER_QUESTION))
