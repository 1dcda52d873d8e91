"""The days and times of a request, in UTC and within the range of the store's `DateTime`."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from edge.errors import invalid

DAYS_DEFAULT = 30
DAYS_MAX = 800
Interval = Literal["hour", "day", "week"]
DAY_MIN, DAY_MAX = date(1970, 1, 1), date(2105, 12, 31)  # the range of the store's `DateTime`
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


class Days(NamedTuple):
    """The days ``first`` to ``last``, both inclusive."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return _midnight(self.first)

    @property
    def until(self) -> datetime:
        return _midnight(self.last) + timedelta(days=1)

    @property
    def previous_since(self) -> datetime:
        """Return the start of the equally long period before the first day, never before 1970."""
        return max(self.since - (self.until - self.since), _midnight(DAY_MIN))

    def periods(self, interval: Interval) -> Iterator[datetime]:
        """Yield the start of each period; the first week starts on its Monday, even before the first day."""
        at = self.since - timedelta(days=self.since.weekday() if interval == "week" else 0)
        while at < self.until:
            yield at
            at += _STEPS[interval]


def days_of(start_date: date | None, end_date: date | None, today: date) -> Days:
    """Return the days of a request: by default the last 30, including today.

    Raises `ApiError` (422) if the end is before the start, or there are more than 800 days.
    """
    check_known(start_date=start_date, end_date=end_date)
    last = end_date or today
    first = start_date or last - timedelta(days=DAYS_DEFAULT - 1)
    if last < first:
        raise invalid({"end_date": ["must not be before start_date"]})
    if (last - first).days >= DAYS_MAX:
        raise invalid({"start_date": [f"must be at most {DAYS_MAX} days before end_date, both included"]})
    return Days(first, last)


def check_known(**days: date | None) -> None:
    """Raise 422 for days, by the names of their parameters, outside the store's range."""
    wrong = {name: day for name, day in days.items() if day is not None and not DAY_MIN <= day <= DAY_MAX}
    if wrong:
        raise invalid({name: [f"must be between {DAY_MIN} and {DAY_MAX}"] for name in wrong})


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def bound(name: str, at: datetime | None) -> datetime | None:
    """Return the bound of a time range in UTC; a time outside the store's range is clamped to it.

    Raises `ApiError` (422) for a time without an offset.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise invalid({name: ["must have an offset, such as Z or +02:00"]})
    known = Days(DAY_MIN, DAY_MAX)
    return min(max(at, known.since), known.until).astimezone(UTC)
