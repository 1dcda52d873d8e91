"""A projector that can hardly read any records stops, instead of moving the topic to `dead_letters`."""

import contextlib

import pytest

from processors.dead_letter_limit import DEAD_LEAST, WINDOW, DeadLetterLimit
from schemas.log.position import LogRecord
from store.broken import Broken
from tests.support.builders import LogBuilder, created
from tests.support.builders import session_id as named
from tests.support.rigs.projection import new_pipeline
from tests.support.rigs.store import TestStore


def unreadable(count: int) -> list[LogRecord]:
    """Return a log that a bad deployment can't read."""
    log = LogBuilder(seed=1, partitions=1)
    for _ in range(count):
        log.add_bytes(b"of another version")
    return log.records


def letters(store: TestStore) -> int:
    found: int = store.rows("SELECT count() AS n FROM {db}.dead_letters FINAL")[0]["n"]
    return found


@pytest.fixture
def one(store: TestStore) -> TestStore:
    """Provide a store whose log has one partition, from the pipeline's point of view."""
    store.partitions = 1
    return store


async def test_an_unreadable_log_stops_the_projector_before_it_is_set_aside(one: TestStore) -> None:
    """The batch that exceeds the limit stores nothing, and the message names the remedy."""
    log = unreadable(2 * DEAD_LEAST)
    pipeline = new_pipeline(one, log)

    with pytest.raises(Broken, match="run another version"):
        await pipeline.project(log)

    assert letters(one) == 0


async def test_restarts_do_not_empty_the_topic_piece_by_piece(one: TestStore) -> None:
    """Dead letters of earlier runs count, so the limit holds over any number of restarts."""
    log = unreadable(5 * DEAD_LEAST)

    for _ in range(6):
        done = letters(one)
        pipeline = new_pipeline(one, log)
        with contextlib.suppress(Broken):
            for i in range(done, len(log), DEAD_LEAST // 2):
                await pipeline.project(log[i : i + DEAD_LEAST // 2])
        await pipeline.drain()

    assert letters(one) < DEAD_LEAST


async def test_some_poison_among_sound_records_stops_no_projector(one: TestStore) -> None:
    """A few dead letters are normal."""
    log = LogBuilder(seed=1, partitions=1)
    for n in range(DEAD_LEAST):
        log.add(created(named(n)))
        log.add_bytes(b"poison")
    pipeline = new_pipeline(one, log.records)

    await pipeline.project(log.records)
    await pipeline.drain()

    assert letters(one) == DEAD_LEAST


def test_the_limit_looks_at_the_last_records_alone() -> None:
    """Old dead letters do not count; a limit above one stops nothing."""
    limit = DeadLetterLimit(0.9)
    limit.check([True] * (DEAD_LEAST - 1), "x")
    limit.check([False] * WINDOW, "x")
    limit.check([True] * (WINDOW // 2), "x")

    DeadLetterLimit(2).check([True] * WINDOW, "x")
    with pytest.raises(Broken):
        limit.check([True] * WINDOW, "x")
