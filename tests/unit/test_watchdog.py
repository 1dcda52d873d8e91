"""The watchdog ends a projector only if one of its partitions makes no progress."""

from collections.abc import Callable

import pytest

from processors.marks.progress import PartitionPlace
from processors.pipeline import Pace
from processors.runners.watchdog import EXIT_STUCK, Watchdog


class Case:
    """A watchdog over two partitions, with a fake clock. ``offsets`` and ``ends`` are by partition."""

    def __init__(self) -> None:
        self.now, self.died = 0.0, 0
        self.offsets: dict[int, int | None] = {0: 0, 1: 0}
        self.ends = {0: 0, 1: 0}
        self.pace: Pace = "takes"
        self.watchdog = Watchdog(self._places, lambda: self.pace, 60, lambda: self.now, self._die)

    def _places(self) -> list[PartitionPlace]:
        return [PartitionPlace(partition, offset, self.ends[partition]) for partition, offset in self.offsets.items()]

    def _die(self, code: int) -> None:
        self.died = code

    def project(self, partition: int) -> None:
        """Project a batch of one record of a partition; one more record arrives."""
        self.ends[partition] += 1
        self.offsets[partition] = self.ends[partition] - 1
        self.watchdog.alive()

    def pass_s(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let time pass, with a check every second."""
        for _ in range(int(seconds)):
            self.now += 1
            meanwhile()
            self.watchdog.check()


def test_nothing_projected_for_60_s_while_records_wait_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    """The process exits non-zero and logs the reason."""
    case = Case()
    case.ends[0] = 5

    case.pass_s(62)

    assert case.died == EXIT_STUCK
    assert "5 records wait" in capfd.readouterr().err


def test_a_stuck_partition_ends_the_process_while_another_flows(capfd: pytest.CaptureFixture[str]) -> None:
    """Batches of the other partition do not count; the message names partition, offset, end and seconds."""
    case = Case()
    case.offsets[0], case.ends[0] = 7, 5_007

    case.pass_s(60, meanwhile=lambda: case.project(1))
    assert case.died == 0
    case.pass_s(2, meanwhile=lambda: case.project(1))

    assert case.died == EXIT_STUCK
    assert "partition=0 offset=7 end=5007 seconds=61" in capfd.readouterr().err


def test_a_partition_that_is_never_taken_over_ends_the_process() -> None:
    """It is assigned, so its records wait like those of any other partition."""
    case = Case()
    case.offsets[0], case.ends[0] = None, 5

    case.pass_s(62, meanwhile=lambda: case.project(1))

    assert case.died == EXIT_STUCK


def test_an_idle_projector_may_rest_for_ever() -> None:
    """Without lag no progress is expected; the time before the first record does not count."""
    case = Case()

    case.pass_s(1000)
    case.ends[0] = 5
    case.pass_s(59)

    assert case.died == 0


def test_partitions_that_move_slowly_are_left_alone() -> None:
    """They may be far behind: each one advances within the limit."""
    case = Case()
    case.ends = {0: 10_000, 1: 10_000}

    for offset in range(1, 11):
        case.offsets = {0: offset, 1: offset}
        case.watchdog.alive()
        case.pass_s(55)

    assert case.died == 0


def test_a_slow_batch_a_hole_or_a_repair_holds_up_every_partition() -> None:
    """While it reports signs of life, the limit does not apply; without them the process counts as stuck."""
    case = Case()
    case.ends[0] = 5
    case.pace = "busy"

    case.pass_s(600, meanwhile=case.watchdog.alive)
    assert case.died == 0
    case.pass_s(61)

    assert case.died == EXIT_STUCK


def test_an_outage_is_waited_for_and_then_a_partition_has_its_whole_time_again() -> None:
    """Store and log may be unavailable for any length of time."""
    case = Case()
    case.ends[0] = 5
    case.pass_s(50, meanwhile=lambda: case.project(1))

    case.pace = "away"
    case.pass_s(1_200)
    case.pace = "takes"
    case.pass_s(59, meanwhile=lambda: case.project(1))
    assert case.died == 0
    case.pass_s(3, meanwhile=lambda: case.project(1))

    assert case.died == EXIT_STUCK


def test_short_outages_again_and_again_hide_no_partition() -> None:
    """With an outage every ten seconds, a stuck partition is noticed slightly later."""
    case = Case()
    case.ends[0] = 5

    def meanwhile() -> None:
        case.project(1)
        case.pace = "away" if case.now % 10 == 0 else "takes"

    case.pass_s(80, meanwhile)

    assert case.died == EXIT_STUCK


def test_a_rebalance_without_end_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    """Meanwhile the process owns no partition; the limit allows for the time-outs of members that disappeared."""
    case = Case()
    case.offsets, case.pace = {}, "joining"

    case.pass_s(180)
    assert case.died == 0
    case.pass_s(2)

    assert case.died == EXIT_STUCK
    assert "a rebalance does not end, seconds=181" in capfd.readouterr().err


def test_a_rebalance_that_waits_for_the_log_is_none_that_hangs() -> None:
    """Without a broker no partitions are assigned."""
    case = Case()
    case.offsets, case.pace = {}, "joining"

    for _ in range(3):
        case.pass_s(170)
        case.pace = "away"
        case.pass_s(600)
        case.pace = "joining"

    assert case.died == 0


def test_the_pause_of_a_stopped_process_is_not_counted() -> None:
    """The pause may be a SIGSTOP of an hour, or a sleeping laptop."""
    case = Case()
    case.ends[0] = 5
    case.pass_s(10)

    case.now += 3_600
    case.watchdog.check()

    assert case.died == 0


def test_it_reports_how_long_each_partition_has_been_stuck() -> None:
    """Values are seconds since the last progress, 0 if no record waits; revoked partitions are not shown."""
    case = Case()
    case.ends[0] = 5
    case.pass_s(21)

    assert case.watchdog.unmoved() == {0: 20.0, 1: 0.0}
    del case.offsets[0]
    assert case.watchdog.unmoved() == {1: 0.0}
