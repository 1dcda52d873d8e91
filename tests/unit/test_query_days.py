"""The days that analytics cover."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ApiError
from query_api.days import Days, days_of

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
