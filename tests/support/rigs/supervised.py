"""A supervisor in a separate process, since it needs a main thread and signals, and tests kill it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import eventually

DRIVER = """
import signal
import sys
from pathlib import Path
from devstack.supervisor import supervisor
from devstack.supervisor.services import Backoff, Plan, SupervisedService
from devstack.supervisor.supervisor import Supervisor

for number in (signal.SIGINT, signal.SIGHUP):  # a test run in the background, or under nohup, ignores them
    signal.signal(number, signal.SIG_DFL)
supervisor.PORT_FREE_S = 0.5
STOP_ALL_S = supervisor.STOP_ALL_S
DATA = Path(sys.argv[1])

def report(line):
    print(line, flush=True)

def python(script):
    return [sys.executable, "-S", "-c", script]

{body}
"""
RUN = """
try:
    patient = Supervisor(DATA, report=report, backoff=Backoff(cap_s=1.0), stop_all_s=STOP_ALL_S)
    sys.exit(patient.run(lambda: Plan(STEPS), on_ready=lambda: report("READY")))
except (supervisor.AlreadySupervised, supervisor.DidNotComeUp) as reason:
    report(str(reason))
    sys.exit(69)
"""


class Supervised:
    """The supervisor process of one test, and the files in its directory."""

    def __init__(self, data: Path, body: str, **env: str) -> None:
        data.mkdir(exist_ok=True)
        self.data = data
        self.said_file = data / "said"
        script = DRIVER.format(body=body)
        with self.said_file.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", script, str(data)], stdout=said, stderr=said, env={**os.environ, **env}
            )

    def said(self) -> str:
        """Return everything it has printed so far."""
        return self.said_file.read_text()

    def await_said(self, text: str, *, within_s: float = 20.0) -> None:
        """Wait until it has printed that."""
        eventually(lambda: text in self.said() or self._fail_if_ended(text), within_s=within_s)

    def pid(self, name: str) -> int:
        """Return the pid in DIR/run/NAME.pid."""
        return int((self.data / "run" / f"{name}.pid").read_text())

    def pid_files(self) -> set[str]:
        """Return the names of the services that have a pid file."""
        return {path.stem for path in (self.data / "run").glob("*.pid")}

    def await_new_pid(self, name: str, old: int) -> int:
        """Wait until the service runs as a process other than `old`."""
        return eventually(lambda: (pid := self.pid(name)) != old and pid)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within_s: float = 20.0) -> int:
        """Send the signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def _fail_if_ended(self, text: str) -> bool:
        assert self.process.poll() is None or text in self.said(), f"it ended, and never said {text!r}: {self.said()}"
        return False


@contextlib.contextmanager
def supervised(data: Path, steps: str, **env: str) -> Iterator[Supervised]:
    """Run a supervisor on `STEPS`; at the end, kill it and its children if it is still running."""
    running = Supervised(data, steps + RUN, **env)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def is_alive(pid: int) -> bool:
    """Return whether the process exists and isn't a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
