"""The days and times of a request, in a time zone and within the range of the store's `DateTime`."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from itertools import groupby
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from edge.errors import invalid
from schemas.store.rows import QUARTER_S

DAYS_DEFAULT = 30
DAYS_MAX = 800
Interval = Literal["hour", "day", "week"]
DAY_MIN, DAY_MAX = date(1970, 1, 1), date(2105, 12, 31)  # the range of the store's `DateTime`
_DAY, _HOUR, _QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(seconds=QUARTER_S)


class Days(NamedTuple):
    """The days ``first`` to ``last``, both inclusive, of a time zone."""

    first: date
    last: date
    zone: tzinfo = UTC

    @property
    def since(self) -> datetime:
        return _stored(midnight(self.first, self.zone))

    @property
    def until(self) -> datetime:
        return _stored(midnight(self.last + _DAY, self.zone))

    @property
    def previous(self) -> "Days":
        """Return as many days right before the first one, none of them before 1970."""
        before = self.last - self.first + _DAY
        return Days(max(self.first - before, DAY_MIN), self.first - _DAY, self.zone)

    def periods(self, interval: Interval) -> list[datetime]:
        """Return the start of each period in UTC; the first week starts on its Monday, even before the first day.

        Where clocks are set back, an hour of the clock (of some, its second half) comes twice, and each is a period.
        """
        if interval == "hour":
            return [hour for day in _days(self.first, self.last, 1) for hour in _hours(day, self.zone)]
        if interval == "day":  # each once: a zone that moved across the date line skipped a day
            return list(dict.fromkeys(midnight(day, self.zone) for day in _days(self.first, self.last, 1)))
        monday = self.first - timedelta(days=self.first.weekday())
        return [midnight(day, self.zone) for day in _days(monday, self.last, 7)]

    def changes(self) -> list[tuple[int, int]]:
        """Return where in these days the zone's difference from UTC changes: seconds since 1970, and the difference.

        The first entry is the start of the first day.
        """
        found: list[tuple[int, int]] = []
        for day in _days(self.first, self.last, 1):
            for at in _quarters(day, self.zone) if _is_odd(day, self.zone) else [midnight(day, self.zone)]:
                ahead = _shown(at, self.zone).utcoffset() or timedelta()
                if not found or found[-1][1] != ahead.total_seconds():
                    found.append((int(at.timestamp()), int(ahead.total_seconds())))
        return found


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the start of a day in UTC. Where clocks skip midnight, it is the moment at which they do.

    Where they are set back over midnight, it is the second one.
    """
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    start = _in_utc(local)
    return start if _shown(start, zone).date() >= day else _in_utc(local.replace(fold=1))


def _hours(day: date, zone: tzinfo) -> list[datetime]:
    """Return the start of each hour of the clock in a day, in order."""
    start = midnight(day, zone)
    if not _is_odd(day, zone):
        return [start + number * _HOUR for number in range(24)]
    hours = groupby(_quarters(day, zone), lambda at: ((shown := _shown(at, zone)).hour, shown.utcoffset()))
    return [next(quarters) for _, quarters in hours]


def _shown(at: datetime, zone: tzinfo) -> datetime:
    """Return what the clock shows at the end of a quarter: until 2011 that of St. John's was set back at 00:01."""
    return (at + _QUARTER - timedelta.resolution).astimezone(zone)


def _quarters(day: date, zone: tzinfo) -> list[datetime]:
    """Return the start of each quarter of an hour in a day."""
    start, end = midnight(day, zone), midnight(day + _DAY, zone)
    return [start + number * _QUARTER for number in range((end - start) // _QUARTER)]


def _is_odd(day: date, zone: tzinfo) -> bool:
    """Return whether a day has more or less than 24 hours."""
    return zone is not UTC and midnight(day + _DAY, zone) - midnight(day, zone) != _DAY


def _days(first: date, last: date, step: int) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=step)


def _in_utc(at: datetime) -> datetime:
    """Return a time in UTC, rounded down to a bucket: until 1972 some zones had differences with seconds."""
    return datetime.fromtimestamp(int(at.timestamp()) // QUARTER_S * QUARTER_S, UTC)


def _stored(at: datetime) -> datetime:
    """Return a time, or the nearest one that the store can hold: a zone's days may begin before 1970."""
    return min(max(at, _BEGIN), _END)


def bucket_range(after: datetime | None, before: datetime | None) -> tuple[datetime, datetime] | None:
    """Return the buckets ``[after, before)``, of which one bound may be missing; None without either."""
    if after is None and before is None:
        return None
    return _in_utc(after or _BEGIN), _in_utc(before or _END)


_BEGIN, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC)
_zones = cache(available_timezones)


def zone_of(name: str | None) -> tzinfo:
    """Return the time zone of this IANA name; without one, UTC. Raises `ApiError` (422) for an unknown name."""
    if name is None or name == "UTC":
        return UTC
    if name not in _zones():
        raise invalid({"tz": ["must be the name of a time zone, such as Europe/Berlin"]})
    return ZoneInfo(name)


def days_of(start_date: date | None, end_date: date | None, today: date, zone: tzinfo = UTC) -> Days:
    """Return the days of a request: by default the last 30, including today.

    Raises `ApiError` (422) if the end is before the start, or there are more than 800 days.
    """
    check_known(start_date=start_date, end_date=end_date)
    last = end_date or today
    first = start_date or max(last - timedelta(days=DAYS_DEFAULT - 1), DAY_MIN)
    if last < first:
        raise invalid({"end_date": ["must not be before start_date"]})
    if (last - first).days >= DAYS_MAX:
        raise invalid({"start_date": [f"must be at most {DAYS_MAX} days before end_date, both included"]})
    return Days(first, last, zone)


def check_known(**days: date | None) -> None:
    """Raise 422 for days, by the names of their parameters, outside the store's range."""
    wrong = {name: day for name, day in days.items() if day is not None and not DAY_MIN <= day <= DAY_MAX}
    if wrong:
        raise invalid({name: [f"must be between {DAY_MIN} and {DAY_MAX}"] for name in wrong})


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
