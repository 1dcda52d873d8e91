"""A supervised service: started, restarted after each death, stopped; a file always holds its pid."""

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

from deploy.devstack.supervisor.process import Process
from deploy.devstack.supervisor.services import Backoff, SupervisedService
from kernel.atomic_write import write_whole
from runtime.log_rotation import cut_when_full

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
        """Start the service if its pause is over, or notice its death. Call it continually.

        A full log is cut: a service that runs, or crashes, for months must not fill the disk.
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
        """Schedule the next start of a service that does not run."""
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
