"""Processes that run `python -P -m MODULE …`, forked from one that has already imported the product."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from tests.support.rigs.fork_server import NUMBER, Start

PYTHON = [sys.executable, "-P", "-m"]
SWITCH = "FORK_SERVER"  # 0: each process imports for itself
# Prefixes of variables that Python and libraries read only once, at startup or import.
READ_AT_START = (
    *("PYTHON", "LD_", "MALLOC_", "TZ", "LANG", "LC_", "NO_COLOR", "FORCE_COLOR"),
    *("FAUST_", "NO_CYTHON", "PROMETHEUS_"),
)
_asking = Lock()


class Forked(subprocess.Popen[Any]):
    """A process that the fork server forks, or an ordinary one if a fork would differ from an exec.

    Its parent is the fork server, so `os.waitpid` does not work for it.
    """

    _end: socket.socket | None = None

    def poll(self) -> int | None:
        """Return the exit code, if it has ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raise `TimeoutExpired` after ``timeout``."""
        if self._end is None:
            return super().wait(timeout)
        if self.returncode is None and not wait([self._end], timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        with _asking:  # another thread may wait as well
            if self.returncode is None:
                self.returncode = _number(self._end)
                self._end.close()
        return self.returncode

    def _execute_child(self, args: list[str], *options: Any) -> None:
        """Start the process, as `Popen` requires. A descriptor of -1 means that the process inherits this process's."""
        _, preexec_fn, _, pass_fds, folder, environment, _, _, _, *pipes = options[:15]
        ours = dict(os.environ if environment is None else environment)
        if args[:3] != PYTHON or preexec_fn or pass_fds or os.environ.get(SWITCH) == "0" or not _server().fits(ours):
            super()._execute_child(args, *options)  # type: ignore[misc]  # not public
            return
        standard = [place if pipe == -1 else pipe for place, pipe in enumerate((pipes[0], pipes[3], pipes[5]))]
        start = Start(args[3], args[4:], ours, str(folder or Path.cwd()), _umask())
        self.pid, self._end = _server().fork(start, standard)
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]  # not public


class ForkServer:
    """A fork server with some modules. It ends with this process, and all its children end with it."""

    def __init__(self, *modules: str) -> None:
        self._environment = dict(os.environ)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [*PYTHON, "tests.support.rigs.fork_server", str(theirs.fileno()), *modules]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Return whether Python and the server's imports would be the same in this environment."""
        differing = self._environment.items() ^ environment.items()
        return not any(name.startswith(READ_AT_START) for name, _ in differing)

    def fork(self, start: Start, standard: list[int]) -> tuple[int, socket.socket]:
        """Return the id of a new process, and the socket that receives its exit code."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [msgspec.msgpack.encode(start)], [*standard, theirs.fileno()])
        return _number(ours), ours


@cache
def _server() -> ForkServer:
    return ForkServer("tests.support.rigs.preloaded")


def run(
    command: list[str], env: Mapping[str, str] | None = None, within_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, like `subprocess.run`, and return its output."""
    pipe = subprocess.PIPE
    with Forked(command, env=env, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            output, errors = process.communicate(timeout=within_s)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _number(source: socket.socket) -> int:
    received = source.recv(NUMBER.size)
    assert received, "the fork server has ended, and all its processes with it"
    number: int = NUMBER.unpack(received)[0]
    return number


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
