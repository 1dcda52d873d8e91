"""Runs several processes as one: starts them in order, restarts those that die, stops them in reverse order.

DIR/run/NAME.pid   the pid of each service's current process, rewritten at each start
DIR/run/lock       locked while a supervisor works on DIR
DIR/log/NAME.log   stdout and stderr of each service

If the supervisor itself is killed with -9, the kernel ends its children (see `die_with_parent.py`).
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Self

from devstack.supervisor.services import Backoff, Plan, Report, SupervisedProcess, SupervisedService
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
    """A service was not ready in time; the message names it and its log."""


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
    """Runs a plan on one data directory. `report` receives one line per event."""

    def __init__(
        self,
        data: Path,
        *,
        report: Report,
        backoff: Backoff = Backoff(),  # noqa: B008 (frozen)
        stop_all_s: float = STOP_ALL_S,
    ) -> None:
        self._run_dir, self._log_dir = data / "run", data / "log"
        self._show = report
        self._backoff = backoff
        self._stop_all_s = stop_all_s
        self._processes: list[SupervisedProcess] = []
        self._signals = StopSignals()
        self._plan = Plan(())
        self._added: set[str] = set()  # names of services that aren't steps

    def run(self, compose: Callable[[], Plan], *, on_ready: Callable[[], None] = lambda: None) -> int:
        """Take the steps in order, call `on_ready`, then watch until SIGTERM, SIGINT or SIGHUP; return 0.

        `compose` is called once the directory is locked, so it may prepare files in it. Main thread only.
        Raises `AlreadySupervised`, `DidNotComeUp`, and what `compose` and `on_ready` raise, after stopping everything.
        """
        private_folder(self._log_dir)
        with claimed(self._run_dir), self._signals:
            try:
                with self._signals.raised_at_once():
                    self._plan = compose()
                for step in self._plan.steps:
                    step() if callable(step) else self._bring_up(step)
                on_ready()
                self._watch_until(lambda: False, limit_s=float("inf"))
            except StopRequested:
                self._report("stopping")
            finally:
                self._stop_all()
        return 0

    def _report(self, line: str) -> None:
        """Report an event if possible: a closed terminal must not stop us from ending what we started."""
        with contextlib.suppress(OSError):
            self._show(line)

    def _bring_up(self, service: SupervisedService) -> None:
        """Start a service and wait until it is ready. Raises `DidNotComeUp`."""
        # Another program's responses must not pass for the service's.
        if service.listens and not self._watch_until(partial(is_free, *service.listens), limit_s=PORT_FREE_S):
            host, port = service.listens
            raise DidNotComeUp(f"{service.name} can't listen on {host}:{port}: another program is using the port")
        if service.after is not None and not self._watch_until(service.after, limit_s=service.ready_s):
            raise DidNotComeUp(
                f"{service.name} was not started: what it needs was not ready within {service.ready_s:.0f} s"
            )
        process = self._start(service)
        process.tend()
        in_time = self._watch_until(lambda: process.is_ready() or process.has_given_up(), limit_s=service.ready_s)
        if process.has_given_up():
            raise DidNotComeUp(f"{service.name} failed {process.deaths} times{_tail(process.log_file)}")
        if not in_time:
            raise DidNotComeUp(f"{service.name} was not ready after {service.ready_s:.0f} s{_tail(process.log_file)}")
        if service.once:
            self._processes.remove(process)
        self._report(f"{service.name} is {'done' if service.once else 'up'}")

    def _start(self, service: SupervisedService) -> SupervisedProcess:
        process = SupervisedProcess(service, self._run_dir, self._log_dir, self._backoff, self._report)
        self._processes.append(process)
        return process

    def _adjust(self) -> None:
        """Start and stop services so that only those of the plan's `more` run besides the steps.

        One that runs once is not stopped while it runs, whether it is still wanted or not.
        """
        wanted = {service.name: service for service in self._plan.more()}
        for process in [process for process in self._processes if process.service.name in self._added]:
            name = process.service.name
            if process.is_done or (name not in wanted and not (process.service.once and process.is_running())):
                self._processes.remove(process)
                process.stop(process.service.stop_s)
                self._added.discard(name)
                self._report(f"{name} {'is done' if process.is_done else 'was stopped'}")
        running = {process.service.name for process in self._processes}
        for service in [service for name, service in wanted.items() if name not in running]:
            self._added.add(service.name)
            self._start(service)
            self._report(f"{service.name} was started")

    def _watch_until(self, happened: Callable[[], bool], *, limit_s: float) -> bool:
        """Tend the services until `happened()`; return False after `limit_s`. Raises `StopRequested`."""
        deadline = time.monotonic() + limit_s
        while not happened():
            if time.monotonic() > deadline:
                return False
            self._signals.check()
            self._adjust()
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
    last = log_file.read_text(errors="replace").splitlines()[-lines:]
    return "".join(f"\n  {line}" for line in [f"from {log_file}:", *last])
