"""Runs several processes as one: starts them in order, restarts those that die, stops them in reverse order.

DIR/run/NAME.pid   the pid of each service's current process, rewritten at each start
DIR/run/lock       locked while a supervisor works on DIR
DIR/log/NAME.log   stdout and stderr of each service and job

If the supervisor itself is killed with -9, the kernel ends its children (see `die_with_parent.py`).
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Self

from devstack.supervisor.process import Process
from devstack.supervisor.services import (
    Backoff,
    Changing,
    Job,
    Report,
    Step,
    SupervisedProcess,
    SupervisedService,
    how,
)
from runtime.services.ports import is_free
from runtime.settings.private_files import open_private, private_folder

TICK_S = 0.1
PORT_FREE_S = 20.0  # longer than the services of a killed supervisor may take to end
STOP_ALL_S = 18.0
STOP_EACH_LEAST_S = 2.0  # reserved for every service still to stop, however long the earlier ones took
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class AlreadySupervised(Exception):
    """Another supervisor works on the same directory."""


class DidNotComeUp(Exception):
    """A service was not ready, or a job did not succeed, in time; the message names it and its log."""


class StopRequested(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived."""


class StopSignals:
    """While entered, notes stop signals. Main thread only: Python allows signal handlers only there."""

    def __init__(self) -> None:
        self._requested = self._raise_at_once = False
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means that SIGHUP stays ignored
                self._undo.callback(signal.signal, number, signal.signal(number, self._note))
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def check(self) -> None:
        """Raise `StopRequested` if a stop signal arrived."""
        if self._requested:
            raise StopRequested

    @contextlib.contextmanager
    def raised_at_once(self) -> Iterator[None]:
        """Make a stop signal raise `StopRequested` wherever the code is: for long calls into other code."""
        self._raise_at_once = True
        try:
            self.check()
            yield
        finally:
            self._raise_at_once = False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        if self._raise_at_once:
            raise StopRequested


class Supervisor:
    """Runs steps on one data directory. `report` receives one line per event."""

    def __init__(
        self,
        data: Path,
        *,
        report: Report,
        backoff: Backoff = Backoff(),  # noqa: B008 (frozen)
        stop_all_s: float = STOP_ALL_S,
    ) -> None:
        self._run_dir, self._log_dir = data / "run", data / "log"
        self._report = _never_raising(report)
        self._backoff = backoff
        self._stop_all_s = stop_all_s
        self._processes: list[SupervisedProcess] = []
        self._signals = StopSignals()
        self._changing: Callable[[], Changing] = Changing
        self._added: set[str] = set()  # names of services that aren't steps
        self._job_at = 0.0
        self._in_a_job = False

    def run(
        self,
        compose: Callable[[], Sequence[Step]],
        *,
        on_ready: Callable[[], None] = lambda: None,
        changing: Callable[[], Changing] = Changing,
    ) -> int:
        """Take the steps in order, call `on_ready`, then watch until SIGTERM, SIGINT or SIGHUP; return 0.

        `compose` is called once the directory is locked, so it may prepare files in it. Main thread only. `changing`
        is called repeatedly once the jobs among the steps are done, and must return at once.
        Raises `AlreadySupervised`, `DidNotComeUp`, and what `compose` and `on_ready` raise, after stopping everything.
        """
        private_folder(self._log_dir)
        with claimed(self._run_dir), self._signals:
            try:
                with self._signals.raised_at_once():
                    steps = compose()
                last_job = max((at for at, step in enumerate(steps) if isinstance(step, Job)), default=-1)
                for at, step in enumerate(steps):
                    if at > last_job:  # changing services may need what the jobs make
                        self._changing = changing
                    self._take(step)
                self._changing = changing
                on_ready()
                self._watch_until(lambda: False, limit_s=float("inf"))
            except StopRequested:
                self._report("stopping")
            finally:
                self._stop_all()
        return 0

    def _take(self, step: Step) -> None:
        if isinstance(step, SupervisedService):
            self._bring_up(step)
        else:
            self._finish(step)

    def _bring_up(self, service: SupervisedService) -> None:
        """Start a service and wait until it is ready. Raises `DidNotComeUp`."""
        self._wait_for_port(service)
        if service.after is not None and not self._watch_until(service.after, limit_s=service.ready_s):
            raise DidNotComeUp(
                f"{service.name} was not started: what it needs was not ready within {service.ready_s:.0f} s"
            )
        process = self._supervised(service)
        self._processes.append(process)
        process.tend()
        if not self._watch_until(process.is_ready, limit_s=service.ready_s):
            raise DidNotComeUp(f"{service.name} was not ready after {service.ready_s:.0f} s{_tail(process.log_file)}")
        self._report(f"{service.name} is up")

    def _wait_for_port(self, service: SupervisedService) -> None:
        """Wait until the port is free: another program's responses must not pass for the service's."""
        if service.listens is None:
            return
        host, port = service.listens
        if not self._watch_until(lambda: is_free(host, port), limit_s=PORT_FREE_S):
            raise DidNotComeUp(f"{service.name} can't listen on {host}:{port}: another program is using the port")

    def _adjust(self, wanted: Changing) -> None:
        """Start and stop services so that only `wanted.services` run besides those of the steps, and run the job.

        While the job runs, services still start and stop, since it may wait for one to end.
        """
        self._adjust_services(wanted.services)
        if wanted.job is None or self._in_a_job or time.monotonic() < self._job_at:
            return
        self._in_a_job = True
        try:
            self._try_changing_job(wanted.job)
        finally:
            self._in_a_job = False

    def _adjust_services(self, services: Sequence[SupervisedService]) -> None:
        names = {service.name for service in services}
        for process in [process for process in self._processes if process.service.name in self._added - names]:
            self._processes.remove(process)
            process.stop(process.service.stop_s)
            self._added.discard(process.service.name)
            self._report(f"{process.service.name} was stopped")
        running = {process.service.name for process in self._processes}
        for service in services:
            if service.name not in running:
                self._added.add(service.name)
                self._processes.append(self._supervised(service))
                self._report(f"{service.name} was started")

    def _try_changing_job(self, job: Job) -> None:
        """Run the job; after a failure, report it and retry after a pause."""
        log_file = self._log_dir / f"{job.name}.log"
        if (ending := self._try(job, log_file)) == "exit code 0":
            return
        self._job_at = time.monotonic() + self._backoff.cap_s
        self._report(f"{job.name} failed ({ending}), starts again in {self._backoff.cap_s:.0f} s; see {log_file}")

    def _supervised(self, service: SupervisedService) -> SupervisedProcess:
        return SupervisedProcess(service, self._run_dir, self._log_dir, self._backoff, self._report)

    def _finish(self, job: Job) -> None:
        """Run a job until it succeeds. Raises `DidNotComeUp`."""
        log_file = self._log_dir / f"{job.name}.log"
        for failures in range(1, job.tries + 1):
            ending = self._try(job, log_file)
            if ending == "exit code 0":
                return
            self._report(f"{job.name} failed ({ending}), try {failures} of {job.tries}; see {log_file}")
            self._watch_until(lambda: False, limit_s=self._backoff.pause_s(failures))
        raise DidNotComeUp(f"{job.name} failed {job.tries} times{_tail(log_file)}")

    def _try(self, job: Job, log_file: Path) -> str:
        """Run the job once, tending the services meanwhile; return how it ended."""
        process = Process(job.command, job.env, log_file, signal.SIGKILL)
        try:
            self._watch_until(lambda: process.exit_code() is not None, limit_s=job.limit_s)
            code = process.exit_code()
            return f"not done after {job.limit_s:.0f} s" if code is None else how(code)
        finally:
            process.kill()

    def _watch_until(self, happened: Callable[[], bool], *, limit_s: float) -> bool:
        """Tend the services until `happened()`; return False after `limit_s`. Raises `StopRequested`."""
        deadline = time.monotonic() + limit_s
        while not happened():
            if time.monotonic() > deadline:
                return False
            self._signals.check()
            self._adjust(self._changing())
            for process in self._processes:
                process.tend()
            time.sleep(TICK_S)
        return True

    def _stop_all(self) -> None:
        """Stop the services in reverse order. If one hangs, each of the others still gets its minimum time."""
        deadline = time.monotonic() + self._stop_all_s
        while self._processes:
            process = self._processes.pop()
            left_s = deadline - time.monotonic() - STOP_EACH_LEAST_S * len(self._processes)
            process.stop(max(0.0, min(process.service.stop_s, left_s)))


@contextlib.contextmanager
def claimed(run_dir: Path) -> Iterator[None]:
    """Lock the directory for this process; however it ends, the kernel unlocks it. Raises `AlreadySupervised`."""
    private_folder(run_dir)
    with open(run_dir / "lock", "a+", opener=open_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            raise AlreadySupervised(
                f"{run_dir.parent} is in use by process {holder}: stop that process, or choose another directory"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        for stale in run_dir.glob("*.pid"):  # of a supervisor that was killed
            stale.unlink()
        yield


def _tail(log_file: Path, lines: int = 5) -> str:
    """Return the end of a log, for an error message."""
    last = log_file.read_text(errors="replace").splitlines()[-lines:]
    return "".join(f"\n  {line}" for line in [f"from {log_file}:", *last])


def _never_raising(report: Report) -> Report:
    """Return `report` without its errors: a closed terminal must not stop us from ending what we started."""

    def report_if_possible(line: str) -> None:
        with contextlib.suppress(OSError):
            report(line)

    return report_if_possible
