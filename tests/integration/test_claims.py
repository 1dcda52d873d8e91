"""What replies claim to be complete, step by step: the claim is true, and never goes back."""

import random
from uuid import UUID

import pytest

from processors.marks.progress import Progress
from query_api.freshness import Freshness
from schemas.log.position import LogRecord
from store.reading.reader import open_reader
from tests.support.builders import T0, LogBuilder, created
from tests.support.rigs.projection import ListedLog, new_pipeline
from tests.support.rigs.store import TestStore

STEPS = 40


class Walk:
    """A projector that takes single steps, while a log grows and the clock advances."""

    def __init__(self, store: TestStore, seed: int) -> None:
        self._partitions = store.partitions
        self._chance, self._builder = random.Random(seed), LogBuilder(store.partitions, seed=seed)
        self.log: list[LogRecord] = []
        self.accepted: dict[tuple[int, int], int] = {}  # by partition and offset
        self._projected, self._now = 0, T0
        self.pipeline = new_pipeline(store, self.log)
        self._progress = Progress(self.pipeline, store.warehouse(), ListedLog(self.log, store.partitions), self._clock)

    async def begin(self) -> None:
        """Take over every partition, and read the end of each."""
        for partition in range(self._partitions):
            await self.pipeline.take_over(partition, 0)
        await self._progress.look()

    async def step(self) -> None:
        """Let between no time and minutes pass; then write to the log, project, report or roll up."""
        self._now += self._chance.choice((1, 50, 2_000, 300_000))
        await self._chance.choice((self._write, self._project, self._progress.look, self._roll_up))()

    async def _write(self) -> None:
        (record,) = self._builder.add(created(UUID(int=self._chance.getrandbits(128)), started_at=self._now))
        self.log.append(record)
        self.accepted[record.partition, record.offset] = self._now

    async def _project(self) -> None:
        await self.pipeline.project(self.log[self._projected :])
        await self.pipeline.drain()
        self._projected = len(self.log)

    async def _roll_up(self) -> None:
        rollups = self.pipeline.rollups
        await rollups.refresh(rollups.due(self._progress.targets()))

    def _clock(self) -> int:
        return self._now


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_complete_never_goes_back(store: TestStore, seed: int) -> None:
    """Neither the tables' claim nor the rollups', even if a record follows after a long pause."""
    walk, reader = Walk(store, seed), open_reader(store.address)
    freshness = Freshness(reader)
    await walk.begin()
    before = await freshness.snapshot(reuse_s=0)
    for _ in range(STEPS):
        await walk.step()
        now = await freshness.snapshot(reuse_s=0)
        for old, new in ((before.tables, now.tables), (before.rollups, now.rollups)):
            assert new.complete_through >= old.complete_through > 0
            early = [place for place, at in walk.accepted.items() if at < new.complete_through]
            assert all(offset < new.reached[partition] for partition, offset in early)
        before = now
    reader.close()

    assert before.rollups.complete_through > T0
    assert len(walk.log) > STEPS / 8
