"""Requests become facts, exact to the byte and the millisecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from ingest.intake.context import SessionContext
from ingest.intake.events.identify import identify_events, to_records
from ingest.intake.times import AHEAD_MS, EARLIEST_MS, is_plausible, ms_of, parse_instant, parse_instants
from schemas.http.requests import RecordEvent
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, Event, EventsRecorded
from schemas.log.topics import RECORD_BYTES_MAX
from schemas.money import nano_of
from tests.support.rigs.write_api import NOW_MS, SECRETS, a_session

SESSION = a_session()
CONTEXT = SessionContext("o" * 200, Actor("u" * 200, "member"), NOW_MS, SECRETS, a_session, session_id=SESSION)


def identified(sizes: list[int]) -> list[Event]:
    events = [RecordEvent("E" * 64, "2026-01-20T10:30:00Z", Raw(b'{"a":"%s"}' % (b"x" * size))) for size in sizes]
    return identify_events(events, CONTEXT).accepted


@given(st.lists(st.integers(0, 700_000), min_size=1, max_size=12))
def test_records_are_split_above_one_mebibyte(sizes: list[int]) -> None:
    """Each record holds at least one event, only a single event may exceed the limit, and the order is unchanged."""
    events = identified(sizes)

    values = to_records(events, CONTEXT)

    records = [decode(LogRecord(0, 0, SESSION.bytes, value, 0), 1) for value in values]
    parts = [record.events for record in records if isinstance(record, EventsRecorded)]
    assert [event.event_id for part in parts for event in part] == [event.event_id for event in events]
    assert all(len(value) <= RECORD_BYTES_MAX or len(part) == 1 for value, part in zip(values, parts, strict=True))
    assert all(parts)


def test_what_fits_into_one_record_is_one_record() -> None:
    """5,000 small events fit into one record."""
    assert len(to_records(identified([1] * 5_000)[:4_000], CONTEXT)) == 1


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), st.integers(-1439, 1439))  # noqa: DTZ001 (made aware below)
def test_every_rfc_3339_time_is_read_to_the_millisecond(moment: datetime, offset: int) -> None:
    """Any offset is accepted; digits beyond milliseconds are dropped."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    exact = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    assert parse_instant(aware.isoformat()) == exact == ms_of(aware)


@given(st.text(max_size=40))
def test_anything_else_is_no_time(text: str) -> None:
    """It raises only ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 (msgspec words it)
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2026-01-20", "2026-01-20T10:30:00", "20260120T103000Z", "2026-W04-2", "10:30:00Z", "2026-02-30T00:00:00Z"]
)
def test_other_notations_of_time_are_refused(text: str) -> None:
    """Dates, local times, other forms of ISO 8601 and days that do not exist are refused."""
    with pytest.raises(ValueError):  # noqa: PT011 (msgspec words it)
        parse_instant(text)


MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29))  # noqa: DTZ001 (with and without an offset)
OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
USUAL = st.builds("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z".format, MOMENTS, st.integers(0, 999))
AWARE = st.builds(lambda moment, offset: moment.replace(tzinfo=offset).isoformat(), MOMENTS, OFFSETS)
NOT_A_TIME = (
    st.text(max_size=40) | MOMENTS.map(datetime.isoformat) | st.sampled_from(["2026-02-30T00:00:00Z", "\ud83d"])
)


def one_by_one(texts: list[str]) -> list[int | None]:
    """Read each time separately."""
    times: list[int | None] = []
    for text in texts:
        try:
            times.append(parse_instant(text))
        except ValueError:
            times.append(None)
    return times


@given(st.lists(USUAL | AWARE, max_size=5) | st.lists(USUAL | AWARE | NOT_A_TIME, max_size=5))
def test_times_read_together_are_those_read_one_by_one(texts: list[str]) -> None:
    """A time does not depend on the other times in its batch, or on their validity."""
    assert parse_instants(texts) == one_by_one(texts)


def test_plausible_times_have_both_bounds() -> None:
    """2000-01-01 and 24 hours ahead are accepted, both bounds included."""
    bounds = [EARLIEST_MS - 1, EARLIEST_MS, NOW_MS + AHEAD_MS, NOW_MS + AHEAD_MS + 1]

    assert [is_plausible(ms, NOW_MS) for ms in bounds] == [False, True, True, False]


@given(st.integers(0, 10**15))
def test_nine_decimals_of_a_million_are_kept_exactly(nano: int) -> None:
    """From the JSON number to nano-dollars, no digit is rounded."""
    assert nano_of(float(f"{nano // 10**9}.{nano % 10**9:09d}")) == nano
