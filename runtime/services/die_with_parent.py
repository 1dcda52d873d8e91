"""Run a command that dies with its parent: `python die_with_parent.py PARENT_PID SIGNAL COMMAND …`.

A supervisor that is killed with -9 can't stop its children, so the kernel does it: PR_SET_PDEATHSIG. It is set here, in
a launcher that then becomes the command (same pid), and not in `preexec_fn`: that would run Python between fork and
exec, which may deadlock if the parent has threads. The setting survives exec, but not fork: a child must stop its
workers itself. The signal comes when the *thread* that forked ends, so fork from the main thread.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def set_death_signal(parent_pid: int, death_signal: int) -> None:
    """Let the kernel send `death_signal` to this process once its parent has died. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it died before the call, so no signal will come
        os.kill(os.getpid(), signal.SIGKILL)


def die_with_parent(command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return a command line that runs `command` as a child of the calling process and dies with it."""
    # -I -S: the launcher needs only the standard library, and so starts in 15 ms.
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    return [*launcher, str(os.getpid()), str(int(death_signal)), *command]


def main(arguments: Sequence[str]) -> None:
    """Set the death signal of this process, then become the command."""
    parent_pid, death_signal, *command = arguments
    set_death_signal(int(parent_pid), int(death_signal))
    try:
        os.execvp(command[0], command)  # noqa: S606 (no shell is the point)
    except OSError as reason:
        sys.exit(f"can't run {command[0]}: {reason.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
