"""Metrics of the read side: each question by its name, on a real store."""

import pytest
from prometheus_client import CollectorRegistry

from query_api.metrics import QueryMetrics, metered
from store.errors import StoreUnavailable
from store.reading.errors import AnswerTooLarge, ReadRefused
from store.reading.reader import POOL_SIZE, ClickHouseReader
from tests.support.rigs.query_store import QueryApi, QueryStore, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

SUMMARY, LIST = "query_api.analytics.summary", "query_api.sessions.list"


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"crewkit_query_{name}", labels)


async def test_each_question_is_counted_by_the_name_of_its_file(query_store: QueryStore) -> None:
    """An answer has a duration and no error; a slot is free again afterwards."""
    registry = CollectorRegistry()
    reader = metered(ClickHouseReader(query_store.connect, query_store.base), registry)
    query_store.put(session())
    try:
        for path in ("sessions", "sessions", "sessions/analytics/summary"):
            assert (await QueryApi(reader).get(path)).status_code == 200
    finally:
        reader.close()

    assert value(registry, "duration_seconds_count", question=LIST) == 2
    assert value(registry, "duration_seconds_count", question=SUMMARY) == 1
    assert (value(registry, "duration_seconds_sum", question=LIST) or 0) > 0
    assert value(registry, "errors_total", question=LIST, error="away") is None
    assert (value(registry, "slots"), value(registry, "waiting")) == (POOL_SIZE, 0)


async def test_a_question_without_an_answer_is_an_error_and_has_no_duration(query_store: QueryStore) -> None:
    """A closed reader behaves like a store that is down."""
    registry = CollectorRegistry()
    reader = metered(ClickHouseReader(query_store.connect, query_store.base), registry)
    generation = await query_store.reader.live()
    reader.close()

    with pytest.raises(StoreUnavailable):
        await reader.query(generation, "query_api.progress", {})

    assert value(registry, "errors_total", question="query_api.progress", error="away") == 1
    assert value(registry, "duration_seconds_count", question="query_api.progress") is None


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (StoreUnavailable("x"), "away"),
        (ReadRefused("x"), "refused"),
        (AnswerTooLarge("x"), "too_large"),
        (TypeError("x"), "broken"),
    ],
)
def test_errors_are_told_apart(error: Exception, name: str, query_store: QueryStore) -> None:
    """A refusal is a kind of outage, but has its own name."""
    registry = CollectorRegistry()

    QueryMetrics(registry, query_store.reader).asked("q", 1.0, error)

    assert value(registry, "errors_total", question="q", error=name) == 1
