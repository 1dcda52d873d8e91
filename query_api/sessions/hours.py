"""Finds a page of sessions, ordered by start, by reading only the few hours that contain it.

The rollups know how many sessions started in each hour, so neither the page nor the total needs all rows of an org.
But the rollups lag slightly behind the sessions, and the list must not. So the hours that may have changed since the
rollups' mark are counted in the sessions table, and so are the hours at the edges of ``started_after`` and
``started_before``. The page counts its hours again, so that page and total agree even while sessions arrive.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from query_api.read_context import ReadContext
from query_api.sessions.session_filter import SessionFilter
from store.reading.question import Question

HOUR_S = 3_600
HOURS_MAX = 50_000  # of one org; five years have 43,800
COUNTED_HOURS_MAX = 500  # in the sessions table


class Started(Struct, frozen=True):
    """Sessions of an org, filtered by dimensions of the rollups."""

    org_id: str
    own_user_id: str | None
    user_id: str | None
    project_id: str | None
    repo: str | None
    agent_name: str | None
    started_after: datetime | None
    started_before: datetime | None


# This method is used only if all other filters are absent.
KNOWN_TO_ROLLUPS = Started.__struct_fields__


class HoursOf(Started, frozen=True):
    """The hours in which they started; for each partition, the rollups contain every offset below ``rolled_up``."""

    partitions: list[int]
    rolled_up: list[int]
    limit: int


class CountedIn(Started, frozen=True):
    """The sessions that started in one of these hours."""

    hours: list[int]


class HourCountRow(Struct, frozen=True):
    """An hour (s since 1970), and how many sessions match."""

    hour_s: int
    matches: int


class HourRow(HourCountRow, frozen=True):
    """The same according to the rollups, which may lag."""

    is_behind: bool


HOURS = Question("query_api.sessions.hours", HoursOf, HourRow)
HOUR_COUNTS = Question("query_api.sessions.hour_counts", CountedIn, HourCountRow)


class Window(NamedTuple):
    """The hours that contain a page, and the matches before and outside them. ``None``: unbounded."""

    hour_from: int | None
    hour_to: int | None
    skipped: int  # matches that precede the window in the order of the list
    outside: int  # matches that are not in the window


async def count_by_hour(context: ReadContext, session_filter: SessionFilter) -> list[HourCountRow] | None:
    """Return the number of matching sessions for each hour, the first hour first.

    None: the rollups can't apply these filters, or there are too many hours.
    """
    unknown = set(session_filter.__struct_fields__) - set(KNOWN_TO_ROLLUPS)
    if any(getattr(session_filter, name) not in (None, []) for name in unknown):
        return None
    started = {name: getattr(session_filter, name) for name in KNOWN_TO_ROLLUPS}
    marks = context.rolled_up or {0: 0}
    rows = await context.ask(
        HOURS, HoursOf(**started, partitions=[*marks], rolled_up=[*marks.values()], limit=HOURS_MAX)
    )
    bounds = (session_filter.started_after, session_filter.started_before)
    edges = {int(at.timestamp()) // HOUR_S * HOUR_S for at in bounds if at is not None}
    unsure = [row.hour_s for row in rows if row.is_behind or row.hour_s in edges]
    if len(rows) >= HOURS_MAX or len(unsure) > COUNTED_HOURS_MAX:
        return None
    counted = await context.ask(HOUR_COUNTS, CountedIn(**started, hours=unsure)) if unsure else []
    matches = {row.hour_s: row.matches for row in rows} | dict.fromkeys(unsure, 0)
    matches |= {row.hour_s: row.matches for row in counted}
    return [HourCountRow(hour_s, number) for hour_s, number in sorted(matches.items()) if number]


def window_of(hours: Sequence[HourCountRow], offset: int, limit: int, newest_first: bool) -> Window | None:
    """Return the window of a page of the sessions in these hours, or None if the page is past the end."""
    ordered = hours[::-1] if newest_first else hours
    reached = list(accumulate(hour.matches for hour in ordered))
    if not reached or offset >= reached[-1]:
        return None
    first = next(number for number, upto in enumerate(reached) if upto > offset)
    last = next((number for number, upto in enumerate(reached) if upto >= offset + limit), len(reached) - 1)
    skipped = reached[first] - ordered[first].matches
    begin = None if first == 0 else ordered[first].hour_s
    end = None if last == len(ordered) - 1 else ordered[last].hour_s
    hour_from, hour_to = (end, begin) if newest_first else (begin, end)
    return Window(hour_from, hour_to, skipped, reached[-1] - reached[last] + skipped)
