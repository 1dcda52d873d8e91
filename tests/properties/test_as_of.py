"""The promise of `as_of` as a property: it shows the same as a projection of only that prefix of the log."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from schemas.log.position import LogRecord
from tests.support.agent_facts import SECRETS, SESSIONS
from tests.support.builders import ORG
from tests.support.examples import examples
from tests.support.rigs.projected import api_over
from tests.support.rigs.projection import new_pipeline
from tests.support.rigs.query_store import QueryApi
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS, logs

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, max_examples=examples(12))
Shown = dict[str, Any] | None  # a session, or None for a 404


@pytest.fixture(scope="module")
def two(engine: Options) -> Iterator[TestStore]:
    """Return a store for two partitions, which each example empties."""
    yield from new_store(new_address(engine), PARTITIONS)


@pytest.fixture(scope="module", autouse=True)
def quick_404s() -> Iterator[None]:
    """Accept ids of the drawn logs, and do not wait for unknown ids."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.rigs.query_store.SECRETS", SECRETS)
        patch.setattr("query_api.sessions.one.WAIT_S", 0.0)
        patch.setattr("query_api.visibility.INTERVAL_S", 0.001)
        yield


async def _shown(api: QueryApi, session: object, as_of: str | None = None) -> Shown:
    reply = await api.get(f"sessions/{session}", {"as_of": as_of}, org=ORG)
    assert reply.status_code in (200, 404), reply.text
    body = reply.json()
    if reply.status_code == 404:
        return None
    assert as_of is None or body["meta"] == {"as_of": body["data"]["position"]}
    found: Shown = body["data"]
    return found


async def _shown_by_prefixes(two: TestStore, api: QueryApi, log: Sequence[LogRecord]) -> list[dict[object, Shown]]:
    """Project the log record by record; return the state of each session after each record."""
    pipeline = new_pipeline(two, log)
    shown = []
    for record in log:
        await pipeline.project([record])
        await pipeline.drain()
        shown.append({session: await _shown(api, session) for session in SESSIONS})
    return shown


async def _check(two: TestStore, api: QueryApi, log: Sequence[LogRecord]) -> None:
    prefixes = await _shown_by_prefixes(two, api, log)
    for session in SESSIONS:
        newest = prefixes[-1][session]
        if newest is None:
            continue
        partition = int(newest["position"].partition(":")[0])
        for record, shown in zip(log, prefixes, strict=True):
            if record.partition == partition:
                assert await _shown(api, session, f"{partition}:{record.offset}") == shown[session]


@given(log=logs(max_size=16))
@SLOW
def test_as_of_a_position_is_what_only_that_prefix_shows(two: TestStore, log: list[LogRecord]) -> None:
    """At every position of a log, with copies, contradictions and invalid records, each session is as it was then."""
    two.empty()

    with api_over(two) as api:
        asyncio.run(_check(two, api, log))
