"""How the rollups follow `sessions`: when they are due, which hours are computed, and when the marks move."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from unittest.mock import MagicMock

import pytest

from processors.marks import rollups as module
from processors.marks.rollups import Rollups, Target
from processors.warehouse import Bucket, RollupMark, Rows
from store.errors import StoreUnavailable
from tests.support.fakes.warehouse import FakeWarehouse

T = TypeVar("T")
HOURS = [("acme", 3600 * n) for n in range(5)]


class NotingWarehouse(FakeWarehouse):
    """A warehouse that notes what the rollups ask of it, and finds all `HOURS` changed beyond any mark."""

    def __init__(self) -> None:
        super().__init__()
        self.computed: list[list[Bucket]] = []
        self.searched: list[dict[int, int]] = []
        self.moved = asyncio.Event()

    async def moved_to(self, offset: int) -> None:
        """Wait until the mark of partition 0 is moved, and check where to."""
        await self.moved.wait()
        self.moved.clear()
        assert self.rollup_mark(0).rolled_up == offset

    def insert(self, table: str, rows: Rows) -> None:
        super().insert(table, rows)
        self.moved.set()

    def refresh_rollups(self, quarters: Iterable[Bucket]) -> None:
        self.computed.append(sorted(quarters))

    def changed_buckets(self, marks: Mapping[int, int], after: Bucket, limit: int) -> list[Bucket]:
        self.searched.append(dict(marks))
        return [hour for hour in HOURS if hour > after][:limit]


class Direct:
    """Calls the store at once; ``before`` runs first."""

    before: Callable[[], Any] = staticmethod(lambda: None)

    async def in_rollup_thread(self, step: str, call: Callable[[], T]) -> T:
        self.before()
        return call()


@pytest.fixture
def warehouse() -> NotingWarehouse:
    return NotingWarehouse()


@pytest.fixture
def calls() -> Direct:
    return Direct()


@pytest.fixture
def rollups(warehouse: NotingWarehouse, calls: Direct) -> Rollups:
    """Return the rollups of partition 0, which is taken over at mark 5 and searched."""
    made = Rollups(warehouse, calls, lambda: 1.0)
    made.take_over(0, RollupMark(5, 500))
    made.search_at_next_refresh(0)
    asyncio.run(made.refresh({0: Target(6, 600)}))
    warehouse.computed.clear()
    warehouse.searched.clear()
    warehouse.moved.clear()
    return made


async def test_hours_of_batches_are_computed_once_and_not_searched(
    rollups: Rollups, warehouse: NotingWarehouse
) -> None:
    """Two batches that change the same hour share one refresh; then the mark is where both were written."""
    rollups.note_changed([HOURS[0], HOURS[1]])
    rollups.note_changed([HOURS[1], HOURS[3]])

    await rollups.refresh({0: Target(9, 900)})
    await rollups.refresh({0: Target(10, 1_000)})

    assert warehouse.computed == [[HOURS[0], HOURS[1], HOURS[3]]]
    assert warehouse.searched == []
    assert warehouse.rollup_mark(0) == RollupMark(10, 1_000)


async def test_a_taken_over_partition_is_searched_beyond_its_mark_page_by_page(
    rollups: Rollups, warehouse: NotingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are not searched."""
    monkeypatch.setattr(module, "PAGE", 2)
    rollups.take_over(1, RollupMark(7, 0))
    rollups.search_at_next_refresh(1)

    await rollups.refresh({0: Target(9, 900), 1: Target(8, 900)})

    assert warehouse.searched == [{1: 7}] * 4
    assert warehouse.computed == [HOURS[:2], HOURS[2:4], HOURS[4:]]
    assert (warehouse.rollup_mark(0), warehouse.rollup_mark(1)) == (RollupMark(9, 900), RollupMark(8, 900))


async def test_what_changes_during_a_refresh_is_computed_by_the_next(
    rollups: Rollups, warehouse: NotingWarehouse, calls: Direct
) -> None:
    """It may have been read, or not."""
    rollups.note_changed(HOURS[:1])
    calls.before = lambda: rollups.note_changed(HOURS[1:2])  # type: ignore[method-assign]  # once per call, all the same
    await rollups.refresh({0: Target(9, 900)})
    calls.before = lambda: None  # type: ignore[method-assign]

    await rollups.refresh({0: Target(10, 900)})

    assert warehouse.computed == [HOURS[:1], HOURS[1:2]]


async def test_too_many_hours_are_searched_instead(
    rollups: Rollups, warehouse: NotingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded; nothing is forgotten."""
    monkeypatch.setattr(module, "BEHIND_MAX", 2)
    rollups.note_changed(HOURS[:3])

    await rollups.refresh({0: Target(9, 900)})

    assert warehouse.computed == [HOURS]


async def test_readers_are_told_once_a_mark_is_written(warehouse: NotingWarehouse, calls: Direct) -> None:
    """Whoever waits for a position looks again then."""
    told: list[int] = []
    made = Rollups(warehouse, calls, lambda: 1.0, lambda: told.append(warehouse.rollup_mark(0).rolled_up))
    made.take_over(0, RollupMark(5, 500))

    await made.refresh({0: Target(6, 600)})
    await made.refresh({0: Target(9, 900)})

    assert told == [6, 9]


def test_nothing_is_due_while_a_partition_fills(rollups: Rollups) -> None:
    """Once each has been at the end of the log, or its rollups were complete before, those beyond their mark are."""
    written = {0: Target(9, 0), 1: Target(3, 0), 2: Target(4, 400)}
    rollups.take_over(2, RollupMark(4, 0))

    assert rollups.due(written) == {}
    assert rollups.due({**written, 1: Target(3, 1)}) == {0: Target(9, 0), 1: Target(3, 1)}


async def test_a_mark_never_loses_its_time(rollups: Rollups, warehouse: NotingWarehouse) -> None:
    """After a restart the end of the log has not been seen for a moment."""
    await rollups.refresh({0: Target(9, 0)})

    assert warehouse.rollup_mark(0) == RollupMark(9, 600)


async def test_the_mark_keeps_the_moment_that_was_reported(rollups: Rollups, warehouse: NotingWarehouse) -> None:
    """Else the rollups would be complete up to the last refresh only, however long ago that was."""
    await rollups.keep_moments({0: Target(6, 9_000)}, {0: 7})

    assert warehouse.rollup_mark(0) == RollupMark(6, 9_000)


@pytest.mark.parametrize(
    ("reported", "projected"),
    [
        (Target(6, 9_000), 6),  # nothing more: readers take the moment that is reported with it
        (Target(7, 9_000), 8),  # the rollups do not hold all of it
        (Target(6, 600), 7),  # the mark says so already
        (Target(5, 400), 7),
    ],
)
async def test_otherwise_no_mark_is_written(
    rollups: Rollups, warehouse: NotingWarehouse, reported: Target, projected: int
) -> None:
    """It would be untrue, or without use."""
    await rollups.keep_moments({0: reported}, {0: projected})

    assert not warehouse.moved.is_set()
    assert rollups.rolled_up(0) == 6


async def test_a_mark_that_could_not_be_written_is_written_with_the_next_report(
    rollups: Rollups, warehouse: NotingWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller reports nothing before."""
    insert = warehouse.insert
    monkeypatch.setattr(warehouse, "insert", MagicMock(side_effect=StoreUnavailable("away")))
    with pytest.raises(StoreUnavailable):
        await rollups.keep_moments({0: Target(6, 9_000)}, {0: 7})
    monkeypatch.setattr(warehouse, "insert", insert)

    await rollups.keep_moments({0: Target(6, 9_000)}, {0: 7})

    assert warehouse.rollup_mark(0) == RollupMark(6, 9_000)


@pytest.mark.parametrize(("first", "repeated"), [({0: 5}, True), ({0: 6}, False), ({1: 0, 0: 6}, False)])
def test_a_batch_below_a_mark_is_recognised(rollups: Rollups, first: dict[int, int], repeated: bool) -> None:
    """Its records are projected again, since tables lost rows."""
    assert rollups.begins_below_mark(first) == repeated


async def test_the_loop_follows_what_is_written(rollups: Rollups, warehouse: NotingWarehouse) -> None:
    """It begins at once when a batch is written, and again for what was written meanwhile."""
    written = {0: Target(6, 600)}
    running = asyncio.create_task(rollups.run(lambda: written))

    for offset, hour in ((9, HOURS[0]), (10, HOURS[1])):
        written[0] = Target(offset, 900)
        rollups.note_changed([hour])
        await asyncio.wait_for(warehouse.moved_to(offset), 10)

    running.cancel()
    assert warehouse.computed == [[HOURS[0]], [HOURS[1]]]


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("took_s", [0.01, 0.1, 1.0, 9.0])
def test_all_workers_together_take_a_fifth_of_the_time(took_s: float, workers: int) -> None:
    """Only beyond a longest pause they take more: how old a rollup may become is bounded."""
    pause_s = module.pause_s(took_s, workers)

    share = workers * took_s / (took_s + pause_s)

    assert pause_s == module.PAUSE_S_MAX or share == pytest.approx(1 / 5)
    assert pause_s <= module.PAUSE_S_MAX
