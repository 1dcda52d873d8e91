"""Cached answers over HTTP, on the real engine."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from query_api import answers
from query_api.answers import BYTES_MAX
from schemas.permissions import Role
from schemas.store.rows import ToolTotals
from store.generations import Generation
from store.reading.reader import ClickHouseReader, Row
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

PATHS = (
    *("sessions", "sessions?sort=-tokens&model=m", "sessions?page=3", "sessions/search?q=billing", "sessions/threads"),
    "sessions/filters",
    *("sessions/analytics/summary", "sessions/analytics/summary?project_id=p", "sessions/analytics/timeseries"),
    *("sessions/analytics/by-agent", "sessions/analytics/cost-breakdown", "sessions/analytics/by-user"),
    *("sessions/analytics/team-overview", "sessions/analytics/by-tool", "sessions/analytics/by-tool?project_id=p"),
)
LARGEST_COST = (1 << 63) - 1


class CountingReader:
    """Counts the questions that reach the store; those about freshness do not count."""

    def __init__(self, reader: ClickHouseReader) -> None:
        self._reader = reader
        self.asked: list[str] = []

    async def live(self) -> Generation:
        return await self._reader.live()

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        if name != "query_api.progress":
            self.asked.append(name)
        return await self._reader.query(generation, name, params)

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        return await self._reader.control(name, params)


@pytest.fixture
def reader(query_store: QueryStore) -> CountingReader:
    """Return a reader of a store in which everything is projected up to offset 10."""
    rich: dict[str, Any] = {
        "models": [model("m", (1, 2, 3, 4, 5), LARGEST_COST), model("n", (1, 2, 3, 4, 5), 7)],
        "tools": [ToolTotals("Bash", 3, 1, 20)],
        "redactions": {"aws_access_key": 1},
        "title": "mend the billing",
        "project_id": "p",
        "ended_at": NOON,
        "last_event_at": NOON,
        "duration_ms": 1_500,
        "outcome": "success",
    }
    query_store.put(session(**rich | {"models": rich["models"][:1]}), session(**rich, user_id="bob"), session())
    query_store.put(session(org_id="other", user_id="bob", title="billing of the other"))
    report(query_store, 10)
    return CountingReader(query_store.reader)


def report(store: QueryStore, offset: int) -> None:
    store.progress(0, offset, offset, NOON + offset)
    store.rolled_up(0, offset, NOON + offset)


def told(reply: httpx.Response) -> tuple[Any, ...]:
    names = ("ETag", "X-Complete-Through", "X-Generation")
    body = {name: value for name, value in reply.json().items() if name != "request_id"}
    return reply.status_code, body, [reply.headers.get(name) for name in names]


@pytest.mark.parametrize("path", PATHS)
async def test_a_remembered_reply_is_the_fresh_one(
    path: str, reader: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Body, `meta`, `ETag` and freshness are the same, for each role and org; each view was queried once."""
    monkeypatch.setattr(answers, "LIVES_S", 60.0)
    remembering, (route, _, query) = QueryApi(reader, answer_bytes_max=BYTES_MAX), path.partition("?")
    for org, user, role in ASKERS:
        asker: Any = {"params": dict(parse_qsl(query)), "org": org, "user": user, "role": role}
        fresh = await QueryApi(reader).get(route, **asker)
        first = await remembering.get(route, **asker)
        reader.asked.clear()
        again = await remembering.get(route, **asker)

        assert told(again) == told(first) == told(fresh)
        assert reader.asked == []


ASKERS: tuple[tuple[str, str, Role], ...] = (
    ("acme", "owner", "owner"),
    ("acme", "bob", "manager"),
    ("acme", "bob", "member"),
    ("acme", "alice", "viewer"),
    ("other", "bob", "member"),
    ("other", "owner", "admin"),
)


async def test_an_answer_is_forgotten_once_the_mark_moves(query_store: QueryStore, reader: CountingReader) -> None:
    """If a caller waits for a position, the list and the totals include it."""
    api = QueryApi(reader, answer_bytes_max=BYTES_MAX)
    for path in ("sessions", "sessions/analytics/summary"):
        assert _count(await api.get(path)) == 3
    query_store.put(session(version=11))
    report(query_store, 11)

    for path in ("sessions", "sessions/analytics/summary"):
        assert _count(await api.get(path, headers={"X-Wait-For-Position": "0:10"})) == 4


async def test_answers_about_one_session_are_not_remembered(query_store: QueryStore, reader: CountingReader) -> None:
    """A reader that polls until something appears does not have to wait for a cache to expire."""
    api = QueryApi(reader, answer_bytes_max=BYTES_MAX)
    row = session()
    query_store.put(row)
    for _ in range(2):
        reader.asked.clear()
        assert (await api.get(f"sessions/{row.session_id}")).status_code == 200
        assert reader.asked == ["query_api.sessions.by_id"]


def _count(reply: httpx.Response) -> int:
    found = reply.json()
    total: int = found["meta"].get("total_count") or found["data"]["total_sessions"]
    return total


async def test_a_list_shows_no_less_than_a_session_that_was_shown_before(
    query_store: QueryStore, reader: CountingReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single session is always read from the store: what it shows is in the next list, even without a new offset."""
    monkeypatch.setattr(answers, "LIVES_S", 60.0)
    api = QueryApi(reader, answer_bytes_max=BYTES_MAX)
    before = (await api.get("sessions")).json()["meta"]["total_count"]
    row = session(title="arrived since")
    query_store.put(row)

    assert (await api.get("sessions")).json()["meta"]["total_count"] == before  # cached
    await api.get(f"sessions/{row.session_id}")

    assert (await api.get("sessions")).json()["meta"]["total_count"] == before + 1
