"""What a supervisor runs, and the pauses between restarts."""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from devstack.supervisor.process import Process
from ingest.log.atomic_write import write_whole
from runtime.services.log_rotation import cut_when_full

Report = Callable[[str], None]
TRIES = 3


class SupervisedService(msgspec.Struct, frozen=True, kw_only=True):
    """A process that the supervisor restarts whenever it ends.

    One that runs `once` is done when it ends with exit code 0. It has no pid file.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}  # added to the supervisor's own
    after: Callable[[], bool] | None = None  # the start waits for it; called every 0.1 s
    ready: Callable[[], bool] | None = None  # called every 0.1 s at the start; None: running is enough
    ready_s: float = 60.0
    listens: tuple[str, int] | None = None  # host and port that must be free before the first start
    stop_s: float = 5.0  # from SIGTERM to SIGKILL
    # The signal that the kernel sends if the supervisor itself is killed. SIGKILL can't be ignored; use SIGTERM for a
    # service with workers, since only the service can stop them.
    death_signal: signal.Signals = signal.SIGKILL
    once: bool = False


Step = SupervisedService | Callable[[], None]


class Plan(NamedTuple):
    """What to run: steps in order, each once the one before it is ready, and more services that come and go.

    `more` is called continually, and must return at once.
    """

    steps: Sequence[Step]
    more: Callable[[], Sequence[SupervisedService]] = tuple


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """The pause before a service that died is restarted."""

    first_s: float = 0.2
    cap_s: float = 10.0
    forget_after_s: float = 30.0  # after running this long, earlier deaths no longer count

    def deaths(self, before: int, lived_s: float) -> int:
        """Return the number of deaths in a row, including this one."""
        return 1 if lived_s >= self.forget_after_s else before + 1

    def pause_s(self, deaths: int) -> float:
        """Return 0.2, 0.4, 0.8 … 10 seconds after the first, second, third … death in a row."""
        return min(self.cap_s, self.first_s * 2.0 ** min(deaths - 1, 32))


class SupervisedProcess:
    """One service and its current process."""

    def __init__(
        self, service: SupervisedService, run_dir: Path, log_dir: Path, backoff: Backoff, report: Report
    ) -> None:
        self.service = service
        self.log_file = log_dir / f"{service.name}.log"
        self._pid_file = run_dir / f"{service.name}.pid"
        self._backoff = backoff
        self._report = report
        self._process: Process | None = None
        self._started_at = self._start_at = time.monotonic()
        self.deaths = 0  # in a row
        self.is_done = False

    def tend(self) -> None:
        """Start the service if its pause is over, or notice its death. Call this continually.

        A full log is cut: a service that runs or crashes for months must not fill the disk.
        """
        with contextlib.suppress(OSError):
            cut_when_full(self.log_file)
        if self._process is None:
            if time.monotonic() >= self._start_at and not self.is_done:
                self._start()
        elif (code := self._process.exit_code()) is not None:
            self._end(code)

    def is_ready(self) -> bool:
        """Return whether it runs and responds. The process is checked last: another program may have responded."""
        if self.service.once:
            return self.is_done
        answers = self.service.ready is None or self.service.ready()
        return answers and self.is_running()

    def has_given_up(self) -> bool:
        """Return whether a service that runs once has failed too often for others to wait for it."""
        return self.service.once and self.deaths >= TRIES

    def is_running(self) -> bool:
        """Return whether it has a process."""
        return self._process is not None and self._process.exit_code() is None

    def stop(self, limit_s: float) -> None:
        """Stop the service, kill it after `limit_s` seconds, and remove its pid file."""
        if self._process is not None and not self._process.stop(signal.SIGTERM, limit_s):
            self._report(f"{self.service.name} did not stop within {limit_s:.1f} s and was killed")
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    def _start(self) -> None:
        service = self.service
        self._started_at = time.monotonic()
        try:
            self._process = Process(service.command, service.env, self.log_file, service.death_signal)
            if not service.once:
                write_whole(self._pid_file, f"{self._process.pid}\n")
        except OSError as error:  # such as a full disk; the other services continue
            if self._process is not None:
                self._process.kill()
            self._pause(f"could not be started ({error})")

    def _end(self, code: int) -> None:
        if self.service.once and code == 0:
            self._process, self.is_done = None, True
        else:
            self._pause(f"ended ({_how(code)})")

    def _pause(self, why: str) -> None:
        """Schedule the next start of a service that is not running."""
        now = time.monotonic()
        self.deaths = self._backoff.deaths(self.deaths, now - self._started_at)
        pause_s = self._backoff.pause_s(self.deaths)
        self._process, self._start_at = None, now + pause_s
        self._report(f"{self.service.name} {why}, starts again in {pause_s:.1f} s; see {self.log_file}")


def _how(code: int) -> str:
    """Return how a process ended: `exit code 3`, or `SIGKILL`."""
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"
