"""The watchdog: ends a projector that stands still, and no other."""

import pytest

from processors.watchdog import EXIT_STUCK, Watchdog


class Case:
    """A watchdog with a clock and a lag of our own."""

    def __init__(self) -> None:
        self.now, self.lag, self.died = 0.0, 0, 0
        self.watchdog = Watchdog(lambda: self.lag, 60, lambda: self.now, self._die)

    def _die(self, code: int) -> None:
        self.died = code

    def pass_s(self, seconds: float) -> None:
        """Let time pass, looking every second."""
        for _ in range(int(seconds)):
            self.now += 1
            self.watchdog.check()


def test_nothing_projected_for_60_s_while_records_wait_ends_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    """It exits non-zero and says why."""
    case = Case()
    case.lag = 5

    case.pass_s(61)

    assert case.died == EXIT_STUCK
    assert "5 records wait" in capsys.readouterr().err


def test_an_idle_projector_may_stand_still_for_ever() -> None:
    """Without lag there is nothing to be late with; and the time before the first record does not count."""
    case = Case()

    case.pass_s(1000)
    case.lag = 5
    case.pass_s(59)

    assert case.died == 0


def test_a_sign_of_life_starts_the_time_anew() -> None:
    """A slow projector, or one that waits for a store that is away, is not a stuck one."""
    case = Case()
    case.lag = 5

    for _ in range(10):
        case.pass_s(50)
        case.watchdog.alive()

    assert case.died == 0
