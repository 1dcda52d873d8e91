"""A query that exceeds a limit of the store gets the error of that limit."""

import pytest

from tests.support.rigs.query_store import QueryApi, QueryStore, session

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
