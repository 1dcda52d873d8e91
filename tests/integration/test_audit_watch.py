"""The background audit finds errors by itself, and reports them."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import clickhouse_connect
import pytest
from prometheus_client import CollectorRegistry

from audit.watch import NIGHTLY_AT_HOUR, Audit, AuditMetrics
from processors.marks.progress import Progress
from store.errors import StoreUnavailable
from store.reading.reader import ClickHouseReader
from tests.support.builders import LogBuilder, created, ended, hook, recorded, reported, usage
from tests.support.builders import session_id as named
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TestStore

NOON = datetime(2026, 1, 20, 12, 30, tzinfo=UTC)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


class Watched:
    """A store with a session of an hour ago and one of last week, and its audit."""

    def __init__(self, store: TestStore) -> None:
        self.store, self.registry, self.now = store, CollectorRegistry(), NOON
        self.reader = ClickHouseReader(self._connect, store.address.control)
        metrics = AuditMetrics(self.registry)
        self.audit = Audit(self.reader, 60.0, metrics.found, lambda: self.now, metrics.in_progress)

    async def fill(self) -> None:
        log = LogBuilder(seed=3)
        for n, before in enumerate((timedelta(hours=1), timedelta(days=7))):
            session, at = named(n), ms(NOON - before)
            log.add(
                created(session, started_at=at),
                recorded(session, hook("Stop", at=at), hook("PreToolUse", at=at, tool_name="Bash")),
                reported(session, usage(input_tokens=5, cost_nano=7)),
                ended(session),
            )
        pipeline = new_pipeline(self.store, log.records)
        progress = Progress(pipeline, self.store.warehouse(), pipeline._gaps._reader, lambda: ms(NOON))
        await progress.look()
        await pipeline.project(log.records)
        await pipeline.drain()
        await progress.look()
        await settle(pipeline)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"crewkit_audit_{name}", labels)

    def alter(self, statement: str) -> None:
        self.store.client.command(statement.replace("{db}", self.store.database))

    def _connect(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


@pytest.fixture
async def watched(emptied_store: TestStore) -> Iterator[Watched]:  # type: ignore[misc]  # an async generator
    made = Watched(emptied_store)
    await made.fill()
    yield made
    made.reader.close()


async def test_what_is_right_is_found_right(watched: Watched) -> None:
    """The metrics say that it ran, when, and that it found nothing."""
    await watched.audit.once()

    assert watched.value("runs_total", scope="hours") == 1
    assert (watched.value("missing_positions"), watched.value("differences", scope="hours")) == (0, 0)
    assert abs((watched.value("last_run_timestamp_seconds", scope="hours") or 0) - time.time()) < 60


async def test_a_lost_receipt_and_a_wrong_session_of_the_last_hours_are_found(watched: Watched) -> None:
    """Both are found within a minute."""
    watched.alter("DELETE FROM {db}.receipts WHERE log_offset = 0")
    watched.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (events + 1 AS events) FROM"
        " (SELECT * FROM {db}.sessions FINAL ORDER BY started_at DESC LIMIT 1)"
    )

    await watched.audit.once()

    assert (watched.value("missing_positions") or 0) > 0
    assert (watched.value("differences", scope="hours") or 0) > 0


async def test_what_is_older_is_found_at_night_once(watched: Watched) -> None:
    """The audit of the last hours ignores a session of last week; the full audit runs once a night."""
    watched.alter(
        "INSERT INTO {db}.sessions SELECT * REPLACE (events + 1 AS events) FROM"
        " (SELECT * FROM {db}.sessions FINAL ORDER BY started_at LIMIT 1)"
    )

    await watched.audit.once()
    watched.now = NOON.replace(hour=NIGHTLY_AT_HOUR) + timedelta(days=1)
    await watched.audit.once()
    await watched.audit.once()

    assert watched.value("differences", scope="hours") == 0
    assert (watched.value("differences", scope="all") or 0) > 0
    assert (watched.value("runs_total", scope="all"), watched.value("runs_total", scope="hours")) == (1, 2)


async def test_what_is_lost_below_a_mark_is_found_at_night_and_then_each_minute_until_it_is_back(
    watched: Watched,
) -> None:
    """By day, receipts are only checked above the marks, since the history is long."""
    watched.alter("CREATE TABLE {db}.saved AS {db}.receipts ENGINE = Memory")
    watched.alter("INSERT INTO {db}.saved SELECT * FROM {db}.receipts WHERE log_offset = 0")
    watched.alter(
        "INSERT INTO {db}.dense_receipts SELECT log_partition, max(log_offset) + 1 FROM {db}.receipts GROUP BY ALL"
    )
    lost = watched.store.rows("SELECT count() AS n FROM {db}.saved")[0]["n"]
    watched.alter("DELETE FROM {db}.receipts WHERE log_offset = 0")
    missing = []

    for hour in (12, NIGHTLY_AT_HOUR, NIGHTLY_AT_HOUR, 12):
        watched.now = NOON.replace(hour=hour) + timedelta(days=1)
        await watched.audit.once()
        missing.append(watched.value("missing_positions"))
    watched.alter("INSERT INTO {db}.receipts SELECT * FROM {db}.saved")
    await watched.audit.once()

    assert missing == [0, lost, lost, lost]
    assert watched.value("missing_positions") == 0


async def test_a_mark_beyond_the_last_receipt_hides_nothing(watched: Watched) -> None:
    """The store lost its latest rows: everything is checked, within a minute."""
    watched.alter(
        "INSERT INTO {db}.dense_receipts SELECT log_partition, max(log_offset) + 2 FROM {db}.receipts GROUP BY ALL"
    )
    watched.alter("DELETE FROM {db}.receipts WHERE log_offset = 0")

    await watched.audit.once()

    assert (watched.value("missing_positions") or 0) > 0


async def test_an_audit_that_never_ran_has_counters_of_zero(watched: Watched) -> None:
    """An alert on silence needs a series that does not grow; it would miss one that does not exist."""
    assert [watched.value("runs_total", scope=scope) for scope in ("hours", "all")] == [0, 0]
    assert [watched.value("in_progress", scope=scope) for scope in ("hours", "all")] == [0, 0]


async def test_the_audit_of_the_night_is_shown_while_it_runs(watched: Watched) -> None:
    """It may take long, and no audit of the last hours runs meanwhile; its metric is reset even after a failure."""
    watched.now = NOON.replace(hour=NIGHTLY_AT_HOUR)
    seen: list[float | None] = []
    on_found = watched.audit._on_found
    watched.audit._on_found = lambda *found: (seen.append(watched.value("in_progress", scope="all")), on_found(*found))  # type: ignore[func-returns-value]

    await watched.audit.once()
    ended = watched.value("in_progress", scope="all")
    watched.reader.close()
    with pytest.raises(StoreUnavailable):
        await watched.audit.once()

    assert (seen, ended, watched.value("in_progress", scope="hours")) == ([1], 0, 0)


async def test_a_store_that_is_away_does_not_end_the_audit(watched: Watched) -> None:
    """The audit logs it and continues a minute later."""
    watched.audit = Audit(watched.reader, 0.01, AuditMetrics(CollectorRegistry()).found)
    watched.reader.close()

    running = asyncio.create_task(watched.audit.run())
    await asyncio.sleep(0.1)

    assert not running.done()
    running.cancel()
