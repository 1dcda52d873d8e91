"""A query that exceeds a limit of the store gets the error of that limit."""

import asyncio

import pytest

from store.reading.fairness import StoreTime
from store.reading.reader import ClickHouseReader
from tests.support.rigs.query_store import QueryApi, QueryStore, session
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.rigs.query_fixtures"]


@pytest.mark.parametrize(
    ("limit", "status", "code", "retry_after"),
    [
        ("max_memory_usage", 503, "store_unavailable", "1"),
        ("max_result_rows", 422, "answer_too_large", None),
    ],
)
async def test_each_limit_has_its_reply(
    query_store: QueryStore,
    limit: str,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    """A temporary limit is a 503; a permanent one is a 422 that says how to request less."""
    query_store.put(session(), session())
    api = QueryApi(query_store.reader)
    before = await api.get("sessions")

    with query_store.limited(**{limit: 1}):
        refused = await api.get("sessions")
    after = await api.get("sessions")

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert set(refused.json()) == {"error", "code", "details", "request_id"}
    assert refused.headers.get("Retry-After") == retry_after
    assert before.json() == after.json()


async def test_an_org_without_store_time_gets_429_and_others_are_answered(query_store: QueryStore) -> None:
    """The error has the usual shape and `Retry-After`; the hour begins with the org's first query."""
    used = StoreTime(0.000_001)
    reader = ClickHouseReader(query_store.connect, query_store.base, store_time=used)
    api = QueryApi(reader)
    query_store.put(session(), session(org_id="other"))
    try:
        first = await api.get("sessions/analytics/summary")
        await asyncio.to_thread(eventually, lambda: used._used)  # the time counts once the thread is free again
        refused = await api.get("sessions/analytics/summary")
        other = await api.get("sessions/analytics/summary", org="other")
    finally:
        reader.close()

    assert (first.status_code, refused.status_code, other.status_code) == (200, 429, 200)
    assert refused.json()["code"] == "rate_limited"
    assert set(refused.json()) == {"error", "code", "details", "request_id"}
    assert 3_590 <= int(refused.headers["Retry-After"]) <= 3_600
