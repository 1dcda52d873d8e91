"""A projector refuses to start in the wrong environment, with a message that names the remedy."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest

from processors.pipeline import Pipeline
from processors.runners.faust_app import FaustSettings, take_over
from processors.runners.startup_checks import check_generation, check_log_tail
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.records import Erased
from store.broken import Broken
from tests.support.rigs.projection import ListedLog, new_pipeline, settle
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS, log_of, one_event


@pytest.fixture(scope="module")
def projected(engine: Options) -> Iterator[TestStore]:
    """Provide a store into which six records were projected."""
    for store in new_store(new_address(engine), PARTITIONS):
        asyncio.run(_project(store, LOG))
        yield store


LOG = log_of([one_event(n) for n in range(6)])


async def _project(store: TestStore, log: list[LogRecord]) -> None:
    pipeline = new_pipeline(store, log)
    await pipeline.project(log)
    await settle(pipeline)


def _check_tail(store: TestStore, log: list[LogRecord]) -> None:
    asyncio.run(check_log_tail(store.warehouse(), ListedLog(log, PARTITIONS), PARTITIONS))


def test_the_surroundings_it_was_made_with_are_accepted(projected: TestStore) -> None:
    """The same code, prices, partitions and log are accepted."""
    check_generation(projected.warehouse(), PARTITIONS)
    _check_tail(projected, LOG)


def test_a_tail_that_was_erased_since_is_accepted(projected: TestStore) -> None:
    """The receipt still names the record that a stub has replaced."""
    stub = encode(Erased(v=1, erasure=UUID(int=9, version=4)))
    _check_tail(projected, [record._replace(value=stub) for record in LOG])


def test_a_price_history_that_lost_rows_is_refused(engine: Options) -> None:
    """Otherwise costs of two price lists would be in one table."""
    for store in new_store(new_address(engine), PARTITIONS):
        store.client.command(f"DELETE FROM {store.address.control}.prices WHERE model = 'claude-opus-5'")

        with pytest.raises(Broken, match="project into a new generation"):
            check_generation(store.warehouse(), PARTITIONS)


@pytest.mark.fault(row=24)
def test_other_code_is_refused(engine: Options) -> None:
    """Otherwise its tables would have two kinds of rows."""
    for store in new_store(new_address(engine), PARTITIONS):
        store.client.command(
            f"ALTER TABLE {store.address.control}.generations UPDATE fold_version = 1 WHERE 1 SETTINGS mutations_sync=1"
        )

        with pytest.raises(Broken, match="project into a new generation"):
            check_generation(store.warehouse(), PARTITIONS)


@pytest.mark.fault(row=24)
def test_another_partition_count_is_refused(projected: TestStore) -> None:
    """Otherwise a session would be in two partitions."""
    with pytest.raises(Broken, match="frozen"):
        check_generation(projected.warehouse(), PARTITIONS + 1)


@pytest.mark.fault(row=24)
def test_a_log_that_is_shorter_than_what_was_projected_is_refused(projected: TestStore) -> None:
    """New records would get offsets that already have receipts, and would be skipped."""
    with pytest.raises(Broken, match=r"lost its tail.*offset 5 was projected"):
        _check_tail(projected, LOG[:-1])


@pytest.mark.fault(row=24)
def test_a_log_that_lost_its_tail_and_grew_again_is_refused(projected: TestStore) -> None:
    """The offset with the last receipt has another record now; the length would not show that."""
    grown = log_of([one_event(n) for n in (*range(5), 77, 78)])

    with pytest.raises(Broken, match="holds a different record"):
        _check_tail(projected, grown)


async def test_what_was_skipped_and_is_no_longer_in_the_log_stops_the_projector(projected: TestStore) -> None:
    """The projector never continues past a gap that it can't fill."""
    later = [record._replace(offset=record.offset + 20) for record in LOG]
    pipeline = new_pipeline(projected, later)

    with pytest.raises(Broken, match="no longer holds offset 6"):
        await pipeline.project(later)


async def test_a_partition_beyond_the_frozen_count_stops_a_worker(tmp_path: Path) -> None:
    """In a topic that grew, a session's records would be in two partitions."""
    settings = FaustSettings("k:9092", "sessions", PARTITIONS, "group", 0, tmp_path)

    with pytest.raises(Broken, match=f"has grown beyond its {PARTITIONS} partitions"):
        await take_over(settings, cast(Pipeline, None), [0, PARTITIONS])
