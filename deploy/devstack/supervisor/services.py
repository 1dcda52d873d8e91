"""What a supervisor is told to run: services that live, jobs that end, and how long to wait between restarts."""

import signal
from collections.abc import Callable, Mapping, Sequence

import msgspec


class SupervisedService(msgspec.Struct, frozen=True, kw_only=True):
    """A process that is to be running all the time."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}  # added to the supervisor's own
    ready: Callable[[], bool] | None = None  # asked every 0.1 s at the start; None: running is enough
    ready_s: float = 60.0
    listens: tuple[str, int] | None = None  # host and port that must be free before the first start
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 5.0  # from the stop signal to SIGKILL
    # What the kernel sends when the supervisor itself was killed. SIGKILL can't be ignored; give SIGTERM to a service
    # with workers of its own, which only it can stop.
    death_signal: signal.Signals = signal.SIGKILL


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A command that must end with exit code 0 before the steps after it begin."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}
    limit_s: float = 60.0  # for each try
    tries: int = 3


Step = SupervisedService | Job


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """How long a service that died waits for its next start."""

    first_s: float = 0.2
    cap_s: float = 10.0
    forget_after_s: float = 30.0  # a life this long wipes out the deaths before it

    def deaths(self, before: int, lived_s: float) -> int:
        """Deaths in a row, the present one included."""
        return 1 if lived_s >= self.forget_after_s else before + 1

    def pause_s(self, deaths: int) -> float:
        """0.2, 0.4, 0.8 … 10 seconds after the first, second, third … death in a row."""
        return min(self.cap_s, self.first_s * 2.0 ** min(deaths - 1, 32))
