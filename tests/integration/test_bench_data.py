"""The data on which `bench/` measures reads fits the product's tables."""

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from bench.query_data import Data, fill_tables
from store.reading.statements import statement
from tests.support.rigs.store import Options, TestStore, new_address, new_store

DATA = Data(sessions=400, days=3, users=5, prompts=2, events=300)
SESSION_ZERO = uuid4()
V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def filled(engine: Options) -> Iterator[TestStore]:
    """A store with a small copy of the bench's data."""
    for store in new_store(new_address(engine), 1):
        store.client.database = store.database
        fill_tables(store.client, store.warehouse(), DATA, SESSION_ZERO)
        yield store


def test_totals_by_rollups_are_those_of_the_sessions(filled: TestStore) -> None:
    """The measured totals are those that a query without rollups returns, which skips outdated states."""
    summed = (
        *("tool_calls", "tool_errors", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"),
        *("cost_nano", "lines_added", "lines_removed", "commits", "pull_requests", "active_ms"),
    )
    sums = ", ".join(f"sum(sessions.{name}) AS {name}" for name in summed)
    of_sessions = (
        f"SELECT count() AS sessions, countIf(ended_at IS NOT NULL) AS ended, uniqExact(user_id) AS users, {sums},"
        " countIf(outcome IN ('failure', 'timeout')) AS failed,"
        " sumIf(toUInt64(ifNull(duration_ms, 0)), ended_at IS NOT NULL) AS duration_ms FROM sessions FINAL"
    )
    until = DATA.since + timedelta(days=DATA.days + 1)
    parameters = {"org_id": "acme", "since": DATA.since, "until": until, "days_since": DATA.since, "days_until": until}

    by_rollups = filled.rows(statement("query_api.analytics.summary"), **parameters)

    assert by_rollups == filled.rows(of_sessions)
    assert by_rollups[0]["sessions"] == DATA.sessions


def test_some_sessions_have_states_that_no_reader_may_show(filled: TestStore) -> None:
    """The measured reads skip outdated states."""
    (stored,) = filled.rows("SELECT count() AS n FROM sessions")

    assert DATA.sessions < stored["n"] < DATA.sessions * 1.3


def test_ids_have_the_shape_of_ids(filled: TestStore) -> None:
    """Routes return 404 for any other shape without a read."""
    rows = filled.rows("SELECT session_id, run_id, thread_id FROM sessions FINAL")

    assert all(V4.fullmatch(str(value)) for row in rows for value in row.values())


def test_one_session_has_all_the_events(filled: TestStore) -> None:
    """The bench finds it by its external id; its id is the one that was passed."""
    (found,) = filled.rows(
        "SELECT uniqExact(session_id) AS sessions, uniqExact(event_id) AS n, any(session_id) AS id FROM facts FINAL"
    )

    assert (found["sessions"], found["n"], found["id"]) == (1, DATA.events, SESSION_ZERO)
    assert filled.rows("SELECT session_id AS id FROM sessions FINAL WHERE external_id = 'ext-0'") == [
        {"id": found["id"]}
    ]
