"""Pages of the list, however far the rollups are, compared with the stored rows."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from query_api.sessions import hours as hours_module
from query_api.sessions.hours import HOUR_S, HourCountRow, Window, window_of
from schemas.store.rows import SessionRow
from schemas.times import instant
from tests.support.rigs.query_store import HOUR_MS, NOON, QueryApi, QueryStore, session
from tests.support.seeds import seeds

pytest_plugins = ["tests.support.rigs.query_fixtures"]

MINUTE_MS = 60_000
EDGE = NOON - 9 * HOUR_MS + 30 * MINUTE_MS
Matches = Callable[[SessionRow], bool]
FILTERS: Sequence[tuple[Mapping[str, Any], Matches]] = [
    ({}, lambda row: True),
    ({"user_id": "bob"}, lambda row: row.user_id == "bob"),
    ({"project_id": "p", "agent_name": "a"}, lambda row: (row.project_id, row.agent_name) == ("p", "a")),
    ({"repo": "r"}, lambda row: row.repo == "r"),
    ({"started_after": instant(EDGE)}, lambda row: row.started_at >= EDGE),
    ({"started_before": instant(EDGE)}, lambda row: row.started_at < EDGE),
    (
        {"started_after": instant(EDGE - MINUTE_MS), "started_before": instant(EDGE + MINUTE_MS), "repo": "r"},
        lambda row: row.repo == "r" and abs(row.started_at - EDGE + 0.5) < MINUTE_MS,
    ),
    ({"status": "ended"}, lambda row: row.ended_at is not None),
    ({"project_id": "nothing"}, lambda row: False),
]
ROLLED_UP = 400


def a_session(chance: random.Random, version: int, **changes: Any) -> SessionRow:
    """Return a session in one of a few hours, some minutes of which have several."""
    return session(
        **{
            "version": version,
            "started_at": NOON - chance.randrange(24) * HOUR_MS + chance.randrange(0, 60, 10) * MINUTE_MS,
            "user_id": chance.choice(["alice", "bob"]),
            "project_id": chance.choice(["p", "q", None]),
            "agent_name": chance.choice(["a", "b", None]),
            "repo": chance.choice(["r", None]),
            "ended_at": chance.choice([NOON + HOUR_MS, None]),
            **changes,
        }
    )


def changed(chance: random.Random, row: SessionRow, version: int, **changes: Any) -> SessionRow:
    """Return a later state of a session: it has other names, but the same start."""
    fixed = {name: getattr(row, name) for name in ("session_id", "thread_id", "started_at", "user_id")}
    return a_session(chance, version, **{**fixed, **changes})


def fill(store: QueryStore, chance: random.Random) -> list[SessionRow]:
    """Store sessions, some newer than the rollups; return the state of each."""
    old = [a_session(chance, chance.randint(1, ROLLED_UP)) for _ in range(60)]
    store.put(*old)
    late = [changed(chance, row, chance.randint(ROLLED_UP + 1, 999)) for row in chance.sample(old, 5)]
    late += [a_session(chance, chance.randint(ROLLED_UP + 1, 999)) for _ in range(5)]
    store.put_alone(*late)
    store.put_alone(session(org_id="other"))
    store.progress(0, 1_000, 1_000, NOON)
    return [*{row.session_id: row for row in (*old, *late)}.values()]


@pytest.mark.parametrize("seed", seeds(1, 3))
@pytest.mark.parametrize(
    "mark", [ROLLED_UP, 0, 200], ids=["marked", "never rolled up", "rolled up further than marked"]
)
async def test_pages_are_those_of_the_whole_list(
    seed: int, mark: int, query_store: QueryStore, query_api: QueryApi
) -> None:
    """With each filter that works on hours, in both orders, pages and their total equal those of all rows."""
    rows = fill(query_store, random.Random(seed))
    query_store.rolled_up(0, mark, NOON)

    for params, matches in FILTERS:
        for newest_first in (True, False):
            expected = [str(row.session_id) for row in in_order(filter(matches, rows), newest_first)]
            sort = "-started_at" if newest_first else "started_at"
            for page in (1, 2, 4, 99):
                reply = (await query_api.get("sessions", {**params, "sort": sort, "page": page, "per_page": 7})).json()

                found = [item["id"] for item in reply["data"]]
                assert found == expected[7 * page - 7 : 7 * page], (params, sort, page)
                assert reply["meta"]["total_count"] == len(expected), (params, sort, page)


async def test_a_member_has_only_their_own(query_store: QueryStore, query_api: QueryApi) -> None:
    """The number of sessions also counts only those that the caller may see."""
    rows = fill(query_store, random.Random(7))
    query_store.rolled_up(0, ROLLED_UP, NOON)
    own = [str(row.session_id) for row in in_order((row for row in rows if row.user_id == "bob"), True)]

    reply = (await query_api.get("sessions", {"per_page": 3}, user="bob", role="member")).json()

    assert [item["id"] for item in reply["data"]] == own[:3]
    assert reply["meta"]["total_count"] == len(own)


@pytest.mark.parametrize("bound", ["HOURS_MAX", "COUNTED_HOURS_MAX"])
async def test_beyond_its_bounds_the_whole_list_is_read(
    bound: str, query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An org with too many hours, or too many that the rollups do not cover yet, gets the same pages."""
    monkeypatch.setattr(hours_module, bound, 2)
    rows = fill(query_store, random.Random(8))
    query_store.rolled_up(0, ROLLED_UP, NOON)

    reply = (await query_api.get("sessions", {"per_page": 5, "page": 3})).json()

    assert [item["id"] for item in reply["data"]] == [str(row.session_id) for row in in_order(rows, True)][10:15]
    assert reply["meta"]["total_count"] == len(rows)


@pytest.mark.parametrize(
    ("offset", "limit", "newest_first", "expected"),
    [
        (0, 2, True, Window(3 * HOUR_S, None, 0, 4)),
        (0, 3, True, Window(2 * HOUR_S, None, 0, 1)),
        (2, 3, True, Window(2 * HOUR_S, 2 * HOUR_S, 2, 3)),
        (4, 9, True, Window(None, 2 * HOUR_S, 2, 2)),
        (0, 1, False, Window(None, HOUR_S, 0, 5)),
        (1, 4, False, Window(2 * HOUR_S, None, 1, 1)),
        (1, 3, False, Window(2 * HOUR_S, 2 * HOUR_S, 1, 3)),
        (5, 9, False, Window(3 * HOUR_S, None, 4, 4)),
        (0, 9, True, Window(None, None, 0, 0)),
        (6, 9, True, None),
    ],
)
def test_the_window_of_a_page(offset: int, limit: int, newest_first: bool, expected: Window | None) -> None:
    """It contains every hour of the page, and is open-ended where the list is."""
    hours = [HourCountRow(HOUR_S, 1), HourCountRow(2 * HOUR_S, 3), HourCountRow(3 * HOUR_S, 2)]

    assert window_of(hours, offset, limit, newest_first) == expected


def in_order(rows: Any, newest_first: bool) -> list[SessionRow]:
    """Sort like the API: by start, then newest first, then by id as the store compares it."""
    return sorted(rows, key=lambda row: (-row.started_at if newest_first else row.started_at, store_order(row)))


def store_order(row: SessionRow) -> tuple[int, int]:
    """Return a sort key: ClickHouse compares the second half of a UUID first."""
    return row.session_id.int & (1 << 64) - 1, row.session_id.int >> 64
