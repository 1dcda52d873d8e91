"""One run of one command, in a new process group that dies with us; its output goes to a log file."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime.services.die_with_parent import die_with_parent
from runtime.services.log_rotation import cut_when_full
from runtime.settings.private_files import UMASK, open_private

POLL_S = 0.02
KILLED_S = 2.0


class Process:
    """A started process. Start it from the main thread (see `die_with_parent.py`).

    It leads a new session, so Ctrl-C in the terminal reaches only us. Workers that outlive it are in its process group,
    and are killed.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], log_file: Path, death_signal: signal.Signals
    ) -> None:
        """Start the command. Raises `OSError`."""
        cut_when_full(log_file)
        with open(log_file, "ab", opener=open_private) as log:
            self._popen = subprocess.Popen(  # noqa: S603 (the commands are our own)
                die_with_parent(command, death_signal),
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=UMASK,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        """Return the exit code: None while the process runs, negative for the signal that ended it."""
        # Check without reaping: the kernel does not reuse the group id until the dead leader is reaped.
        not_reaped = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if self._popen.returncode is None and os.waitid(os.P_PID, self.pid, not_reaped) is not None:
            self._kill_group()
            self._popen.wait()
        return self._popen.returncode

    def stop(self, stop_signal: signal.Signals, limit_s: float) -> bool:
        """Send the signal, and kill the process after `limit_s`. Return whether it ended without being killed."""
        if self.exit_code() is not None:
            return True
        self._popen.send_signal(stop_signal)
        deadline = time.monotonic() + limit_s
        while self.exit_code() is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return self.exit_code() is not None or not self.kill()

    def kill(self) -> bool:
        """Send SIGKILL to the process and its workers. Return whether the process was running."""
        if self.exit_code() is not None:
            return False
        self._kill_group()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in the kernel, for example on a dead disk
            self._popen.wait(KILLED_S)
        return True

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
