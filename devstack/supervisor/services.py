"""What a supervisor runs: services, which run all the time, and jobs, which end. Also the pauses between restarts."""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from devstack.supervisor.process import Process
from ingest.log.atomic_write import write_whole
from runtime.services.log_rotation import cut_when_full


class SupervisedService(msgspec.Struct, frozen=True, kw_only=True):
    """A process that the supervisor restarts whenever it ends."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}  # added to the supervisor's own
    after: Callable[[], bool] | None = None  # the start waits for it; called every 0.1 s
    ready: Callable[[], bool] | None = None  # called every 0.1 s at the start; None: running is enough
    ready_s: float = 60.0
    listens: tuple[str, int] | None = None  # host and port that must be free before the first start
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 5.0  # from the stop signal to SIGKILL
    # The signal that the kernel sends if the supervisor itself is killed. SIGKILL can't be ignored; use SIGTERM for a
    # service with workers, since only the service can stop them.
    death_signal: signal.Signals = signal.SIGKILL


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A command that must end with exit code 0 before the next step begins."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = {}
    limit_s: float = 60.0  # for each try
    tries: int = 3


Step = SupervisedService | Job


class Changing(msgspec.Struct, frozen=True):
    """What should run now besides the steps: a job once, and services all the time."""

    services: Sequence[SupervisedService] = ()
    job: Job | None = None


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


Report = Callable[[str], None]


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
        self._deaths = 0

    def tend(self) -> None:
        """Start the service if its pause is over, or notice its death. Call this continually.

        A full log is cut: a service that runs or crashes for months must not fill the disk.
        """
        with contextlib.suppress(OSError):
            cut_when_full(self.log_file)
        if self._process is None:
            if time.monotonic() >= self._start_at:
                self._start()
        elif (code := self._process.exit_code()) is not None:
            self._pause(f"ended ({how(code)})")

    def is_ready(self) -> bool:
        """Return whether it runs and responds. The process is checked last: another program may have responded."""
        answers = self.service.ready is None or self.service.ready()
        return answers and self._process is not None and self._process.exit_code() is None

    def stop(self, limit_s: float) -> None:
        """Stop the service, kill it after `limit_s` seconds, and remove its pid file."""
        if self._process is not None and not self._process.stop(self.service.stop_signal, limit_s):
            self._report(f"{self.service.name} did not stop within {limit_s:.1f} s and was killed")
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    def _start(self) -> None:
        service = self.service
        self._started_at = time.monotonic()
        try:
            self._process = Process(service.command, service.env, self.log_file, service.death_signal)
            write_whole(self._pid_file, f"{self._process.pid}\n")
        except OSError as error:  # such as a full disk; the other services continue
            if self._process is not None:
                self._process.kill()
            self._pause(f"could not be started ({error})")

    def _pause(self, why: str) -> None:
        """Schedule the next start of a service that is not running."""
        now = time.monotonic()
        self._deaths = self._backoff.deaths(self._deaths, now - self._started_at)
        pause_s = self._backoff.pause_s(self._deaths)
        self._process, self._start_at = None, now + pause_s
        self._report(f"{self.service.name} {why}, starts again in {pause_s:.1f} s; see {self.log_file}")


def how(code: int) -> str:
    """Return how a process ended: `exit code 3`, or `SIGKILL`."""
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"
