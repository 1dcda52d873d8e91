"""Taking over a partition whose history was never projected: a new generation behind an archive, for hours."""

import asyncio

import pytest

from processors.flow.observer import Observer, Observers
from processors.marks import gaps
from processors.pipeline import Pipeline
from processors.plan import Plan
from tests.support.builders import T0, LogBuilder, created, hook, recorded, session_id
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.rigs.projection import pipeline_over, settle, targets_of

COUNT = 9
DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def _one_record_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "READ_BYTES", 1)
    monkeypatch.setattr(gaps, "BATCH_BYTES_MAX", 1)


class Watching(Observer):
    """Notes how far the pipeline says it has come, and gives its partitions up after some records."""

    def __init__(self, release_at: int = COUNT + 1) -> None:
        self.written: list[int] = []
        self.begun_at: int | None = None
        self._release_at = release_at
        self.pipeline: Pipeline

    def step_done(self, step: str, seconds: float) -> None:
        if step == "fold" and not self.written:
            self.begun_at = self.pipeline.written.get(0)

    def batch_written(self, plan: Plan, records: int) -> None:
        self.written.append(self.pipeline.written.get(0, -1))
        if len(self.written) == self._release_at:
            self.pipeline.release([0])


def log(partitions: int = 1) -> LogBuilder:
    """Return a log whose first partition has sessions of several records each."""
    built = LogBuilder(partitions)
    for n in range(COUNT):
        session = session_id(n % 3)
        built.add(created(session) if n < 3 else recorded(session, hook("Stop", prompt=str(n))))
    return built


def watched(warehouse: FakeWarehouse, built: LogBuilder, watching: Watching, partitions: int = 1) -> Pipeline:
    observers = Observers()
    observers.add(watching)
    watching.pipeline = pipeline_over(warehouse, built.records, partitions, observers=observers)
    watching.pipeline.assign(range(partitions))
    return watching.pipeline


async def check_complete(warehouse: FakeWarehouse, built: LogBuilder) -> None:
    """Check the tables against those of one undisturbed pass; they have no marks."""
    clean = FakeWarehouse()
    pipeline = pipeline_over(clean, built.records, partitions=1)
    await pipeline.project(built.records)
    await settle(pipeline)

    assert {**warehouse.tables, "dense_receipts": {}} == clean.tables


async def test_its_progress_is_seen_meanwhile() -> None:
    """Else `generations` would show nothing for hours, and the rollups would begin after that."""
    built, watching = log(), Watching()
    pipeline = watched(FakeWarehouse(), built, watching)

    await pipeline.take_over(0, COUNT)

    assert (watching.begun_at, watching.written) == (0, [*range(1, COUNT + 1)])


async def test_one_that_another_worker_gets_meanwhile_is_left_to_it() -> None:
    """Each would project the whole history; what is done already is not done again."""
    built, watching, warehouse = log(), Watching(release_at=4), FakeWarehouse()
    pipeline = watched(warehouse, built, watching)
    await pipeline.take_over(0, COUNT)
    await pipeline.drain()
    left = len(watching.written)
    again = Watching()

    await watched(warehouse, built, again).take_over(0, COUNT)
    await settle(again.pipeline)

    assert 4 <= left < COUNT
    assert 0 not in pipeline.written
    assert again.written == [*range(left + 1, COUNT + 1)]
    await check_complete(warehouse, built)


async def test_records_of_one_that_was_left_are_not_projected_without_its_history() -> None:
    """They were on their way to this worker when another one got the partition."""
    built, watching, warehouse = log(), Watching(release_at=2), FakeWarehouse()
    pipeline = watched(warehouse, built, watching)
    for _ in range(2):
        await pipeline.project(built.records[-1:])
        await pipeline.drain()
        assert 0 not in pipeline.written
    assert (0, COUNT - 1) not in warehouse.tables["receipts"]

    pipeline.assign([0])
    await pipeline.project(built.records[-1:])
    await settle(pipeline)
    await check_complete(warehouse, built)


async def test_one_that_is_given_up_before_its_turn_is_not_taken_over() -> None:
    """A worker takes over one partition after the other; rebalances come meanwhile."""
    built, watching = log(), Watching()
    pipeline = watched(FakeWarehouse(), built, watching)
    pipeline.release([0])

    await pipeline.take_over(0, COUNT)
    await pipeline.drain()

    assert watching.written == []


class Refreshing(Watching):
    """Brings the rollups up to date once the first records of a hole are written."""

    refreshed: asyncio.Task[None]

    def batch_written(self, plan: Plan, records: int) -> None:
        super().batch_written(plan, records)
        if len(self.written) == 1:
            rollups = self.pipeline.rollups
            self.refreshed = asyncio.ensure_future(rollups.refresh(rollups.due(targets_of(self.pipeline))))


async def test_what_another_worker_left_out_of_the_rollups_gets_there() -> None:
    """It died before its first session was in them; a refresh in the middle of the hole moves the mark beyond it."""
    built, warehouse, watching = LogBuilder(1), FakeWarehouse(), Refreshing()
    built.add(created(session_id(9), started_at=T0 - DAY_MS))  # in a quarter and a day of its own
    for n in range(COUNT):
        built.add(created(session_id(n)))
    before = pipeline_over(warehouse, built.records, partitions=1)
    await before.project(built.records[:1])
    await before.drain()

    pipeline = watched(warehouse, built, watching)
    await pipeline.take_over(0, COUNT + 1)
    await watching.refreshed
    await settle(pipeline)

    await check_complete(warehouse, built)
