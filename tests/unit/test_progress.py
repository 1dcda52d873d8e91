"""Freshness: tables are complete up to a look at the log's end once every record before that end is projected."""

import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from processors.availability import Availability
from processors.progress import PartitionLag, PartitionPlace, Progress
from schemas.log.position import LogUnavailable
from store.errors import StoreUnavailable

_ROW = struct.Struct("<HQQq")


class Rig:
    """A progress over an end of the log, a clock and a projection, all set by the test."""

    def __init__(self, partitions: int) -> None:
        self.now, self.log_ends = 0, [0] * partitions
        written, assigned = dict.fromkeys(range(partitions), 0), set(range(partitions))
        self.pipeline: Any = SimpleNamespace(
            written=written,
            assigned=assigned,
            store_state=Availability(StoreUnavailable, "store_unavailable"),
            log_state=Availability(LogUnavailable, "log_unavailable"),
        )
        self.rows: dict[int, tuple[int, int, int]] = {}
        self.is_away = False
        self.progress = Progress(self.pipeline, self, self, lambda: self.now)  # type: ignore[arg-type]  # ports

    async def ends(self) -> Sequence[int]:
        return list(self.log_ends)

    def insert(self, table: str, rows: bytes) -> None:
        assert table == "progress"
        if self.is_away:
            raise StoreUnavailable
        self.rows |= {partition: rest for partition, *rest in _ROW.iter_unpack(rows)}  # type: ignore[misc]

    async def look_at(self, now: int, *ends: int) -> None:
        """Set the clock and the ends of the log, then look."""
        self.now, self.log_ends = now, list(ends)
        await self.progress.look()


async def test_an_idle_log_is_complete_as_of_the_last_look() -> None:
    """While no record waits, readers see that the tables are complete up to about now."""
    rig = Rig(2)

    await rig.look_at(1_000, 0, 0)
    await rig.look_at(2_000, 0, 0)

    assert rig.rows == {0: [0, 0, 2_000], 1: [0, 0, 2_000]}


async def test_a_partition_that_lags_is_complete_as_of_the_look_it_has_caught_up_with() -> None:
    """Seen at 5 with end 10: once 10 records are in the tables, everything accepted before 5 is visible."""
    rig = Rig(1)
    await rig.look_at(5_000, 10)
    await rig.look_at(6_000, 20)

    rig.pipeline.written[0] = 15
    await rig.look_at(7_000, 30)

    assert rig.rows[0] == [15, 30, 5_000]
    assert rig.progress.places() == [PartitionPlace(0, 15, 30)]
    assert rig.progress.lags() == [PartitionLag(0, records=15, seconds=2.0)]


async def test_progress_is_reported_for_our_partitions_alone() -> None:
    """Another worker reports the partitions that it projects."""
    rig = Rig(2)
    del rig.pipeline.written[1]

    await rig.look_at(1_000, 0, 0)

    assert set(rig.rows) == {0}


async def test_a_partition_that_is_not_taken_over_yet_has_a_place_too() -> None:
    """It is assigned to us, so its records wait for us."""
    rig = Rig(2)
    del rig.pipeline.written[1]

    await rig.look_at(1_000, 0, 7)

    assert [(place, place.records) for place in rig.progress.places()] == [
        (PartitionPlace(0, 0, 0), 0),
        (PartitionPlace(1, None, 7), 7),
    ]


async def test_a_store_that_was_away_for_the_report_is_back_once_there_is_nothing_to_report() -> None:
    """Our partitions may have been revoked meanwhile, so that there is no report to send again."""
    rig = Rig(1)
    rig.is_away = True
    await rig.progress.progressed(SimpleNamespace(next_offsets={0: 1}))
    assert not rig.pipeline.store_state.is_up

    rig.pipeline.written.clear()
    await rig.look_at(1_000, 0)

    assert rig.pipeline.store_state.is_up
