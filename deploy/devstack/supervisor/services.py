"""What a supervisor runs: services, which run all the time, and jobs, which end; the pauses between restarts."""

import signal
from collections.abc import Callable, Mapping, Sequence

import msgspec


class SupervisedService(msgspec.Struct, frozen=True, kw_only=True):
    """A process that the supervisor restarts whenever it ends."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}  # added to the supervisor's own
    ready: Callable[[], bool] | None = None  # called every 0.1 s at the start; None: running is enough
    ready_s: float = 60.0
    listens: tuple[str, int] | None = None  # host and port that must be free before the first start
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 5.0  # from the stop signal to SIGKILL
    # What the kernel sends when the supervisor itself was killed. SIGKILL can't be ignored; use SIGTERM for a service
    # with workers, which only it can stop.
    death_signal: signal.Signals = signal.SIGKILL


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A command that must end with exit code 0 before the next step begins."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}
    limit_s: float = 60.0  # for each try
    tries: int = 3


Step = SupervisedService | Job


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """The pause before a service that died is started again."""

    first_s: float = 0.2
    cap_s: float = 10.0
    forget_after_s: float = 30.0  # after running this long, earlier deaths no longer count

    def deaths(self, before: int, lived_s: float) -> int:
        """Return the number of deaths in a row, including this one."""
        return 1 if lived_s >= self.forget_after_s else before + 1

    def pause_s(self, deaths: int) -> float:
        """Return 0.2, 0.4, 0.8 … 10 seconds after the first, second, third … death in a row."""
        return min(self.cap_s, self.first_s * 2.0 ** min(deaths - 1, 32))
