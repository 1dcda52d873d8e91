"""The days that analytics cover."""

from bisect import bisect
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.errors import ApiError
from query_api.days import Days, days_of, zone_of

TODAY = date(2026, 1, 20)


@pytest.mark.parametrize(
    ("start_date", "end_date", "first", "last"),
    [
        (None, None, date(2025, 12, 22), TODAY),
        (date(2026, 1, 1), None, date(2026, 1, 1), TODAY),
        (None, date(2025, 6, 30), date(2025, 6, 1), date(2025, 6, 30)),
        (date(2026, 1, 2), date(2026, 1, 2), date(2026, 1, 2), date(2026, 1, 2)),
        (date(2020, 1, 1), date(2022, 3, 10), date(2020, 1, 1), date(2022, 3, 10)),
    ],
)
def test_30_days_with_today_unless_said_otherwise(
    start_date: date | None, end_date: date | None, first: date, last: date
) -> None:
    """Both days are included. By default the end is today and the start 30 days back; the maximum is 800 days."""
    assert days_of(start_date, end_date, TODAY) == Days(first, last)


@pytest.mark.parametrize(
    ("start_date", "end_date"),
    [
        (date(2026, 1, 21), None),
        (date(2026, 1, 2), date(2026, 1, 1)),
        (date(2020, 1, 1), date(2022, 3, 11)),
        (date.min, date.min),
        (None, date.min),
        (date.max, date.max),
        (None, date.max),
    ],
)
def test_days_that_cannot_be_asked_for(start_date: date | None, end_date: date | None) -> None:
    """An end before the start, more than 800 days, or days beyond the store's dates are a 422, never an overflow."""
    with pytest.raises(ApiError) as refused:
        days_of(start_date, end_date, TODAY)

    assert refused.value.status == 422


@given(st.dates(date(1970, 1, 1), date(2103, 1, 1)), st.integers(0, 799), st.sampled_from(["hour", "day", "week"]))
def test_periods_cover_the_days_without_a_gap(first: date, more: int, interval: Any) -> None:
    """Periods follow each other, contain every moment of the days, and a week starts on a Monday."""
    days = Days(first, first + timedelta(days=more))
    step = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[interval]

    periods = list(days.periods(interval))

    assert all(later - earlier == step for earlier, later in pairwise(periods))
    assert periods[0] <= datetime(first.year, first.month, first.day, tzinfo=UTC) < periods[0] + step
    assert periods[-1] < days.until <= periods[-1] + step
    assert interval != "week" or periods[0].weekday() == 0


# Clocks that change by half an hour, at midnight, or never; differences of quarters; and a day that was left out.
ZONES = (
    *("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"),
    *("Asia/Beirut", "Pacific/Apia", "Pacific/Chatham", "America/New_York"),
)
QUARTER = timedelta(minutes=15)
dates = st.dates(date(1973, 1, 1), date(2037, 1, 1)) | st.sampled_from(
    [date(2026, 3, 28), date(2026, 10, 24), date(2017, 10, 14), date(2018, 2, 17), date(2011, 12, 29)]
)


@example("America/St_Johns", date(2010, 11, 6), 1, "day")  # set back at 00:01
@example("America/St_Johns", date(2010, 11, 7), 0, "hour")
@example("Pacific/Chatham", date(2026, 4, 5), 0, "hour")  # set back from 3:45 to 2:45
@example("Australia/Lord_Howe", date(2026, 4, 5), 0, "hour")  # the second half of an hour comes twice
@given(st.sampled_from(ZONES), dates, st.integers(0, 10), st.sampled_from(["hour", "day", "week"]))
def test_periods_of_a_zone_are_what_its_clock_shows(name: str, first: date, more: int, interval: Any) -> None:
    """Each quarter of an hour of the days is in the period of its own date and hour, and no period has two.

    A clock may be set back a minute after midnight, so what it shows at the end of a quarter counts.
    """
    zone = ZoneInfo(name)
    days = Days(first, first + timedelta(days=more), zone)
    shown = {
        "hour": lambda at: (at.date(), at.hour, at.utcoffset()),
        "day": lambda at: at.date(),
        "week": lambda at: at.date() - timedelta(days=at.weekday()),
    }[interval]

    starts = days.periods(interval)
    found = {(starts[bisect(starts, at) - 1], shown(at_end(at, zone))) for at in quarters(days)}

    assert starts == sorted(set(starts))
    assert len(found) == len({start for start, _ in found}) == len({label for _, label in found})
    assert {at_end(at, zone).date() for at in quarters(days)} <= {first + timedelta(days=n) for n in range(more + 1)}


@given(st.sampled_from(ZONES), dates, st.integers(0, 10))
def test_changes_of_a_zone_tell_what_its_clock_shows(name: str, first: date, more: int) -> None:
    """Weekday and hour follow from the difference that is in force."""
    zone = ZoneInfo(name)
    days = Days(first, first + timedelta(days=more), zone)
    changes = days.changes()
    places = [at for at, _ in changes]

    for at in quarters(days):
        _, ahead = changes[bisect(places, at.timestamp()) - 1]
        moved, local = at + timedelta(seconds=ahead), at_end(at, zone)
        assert (moved.weekday(), moved.hour) == (local.weekday(), local.hour)


def at_end(quarter: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock shows at the end of a quarter."""
    return (quarter + QUARTER - timedelta(microseconds=1)).astimezone(zone)


def quarters(days: Days) -> list[datetime]:
    """Return each quarter of an hour of some days."""
    return [days.since + number * QUARTER for number in range((days.until - days.since) // QUARTER)]


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "Europe", "berlin"])
def test_a_zone_that_is_not_known_is_refused(name: str) -> None:
    """The response names the parameter."""
    with pytest.raises(ApiError) as refused:
        zone_of(name)

    assert (refused.value.status, list(refused.value.details or ())) == (422, ["tz"])


def test_the_days_before_are_as_many_and_none_is_before_1970() -> None:
    """Before the first day of the store there is an empty range."""
    assert Days(date(2026, 1, 10), date(2026, 1, 12)).previous == Days(date(2026, 1, 7), date(2026, 1, 9))
    nothing = Days(date(1970, 1, 1), date(1970, 1, 5)).previous
    assert nothing.since == nothing.until
