"""A process that has imported modules, and forks processes that need them.

`python -P -m tests.support.rigs.fork_server DESCRIPTOR MODULE …`, where the descriptor is one end of a Unix socket.
Each message is a `Start` with four descriptors: standard input, output and error, and a socket that receives the id of
the new process, and its exit code once it has ended.
"""

import contextlib
import gc
import importlib
import os
import runpy
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path
from struct import Struct as Layout

import msgspec

from runtime.services.die_with_parent import set_death_signal
from store import fail_points

MESSAGE_BYTES_MAX = 1 << 18
NUMBER = Layout("<i")
_fail_point = fail_points.fail_point


class Start(msgspec.Struct, frozen=True):
    """The module that a new process runs, `python -P -m MODULE ARGUMENTS`, and everything else that it inherits."""

    module: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    umask: int


def serve(control: socket.socket) -> Start:
    """Fork for each message; return in the new process. The server ends when the process that started it ends."""
    running: dict[int, tuple[int, int]] = {}  # by file descriptor: the process id, and the socket for the exit code
    while True:
        for ready in wait([control.fileno(), *running]):
            if ready in running:
                _report_end(ready, *running.pop(ready))
            elif (start := _start(control, running)) is not None:
                return start


def _start(control: socket.socket, running: dict[int, tuple[int, int]]) -> Start | None:
    """Fork for one message; return it in the new process, and None in the server."""
    message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES_MAX, 4)
    if not message:
        os._exit(0)  # the kernel then ends the remaining processes
    *standard, status = descriptors
    pid = _fork()
    if pid == 0:
        control.detach()  # its descriptor is closed like all others
        start = msgspec.msgpack.decode(message, type=Start)
        _become(start, standard)
        return start
    os.write(status, NUMBER.pack(pid))
    running[os.pidfd_open(pid)] = pid, status
    _close(standard)
    return None


def _fork() -> int:
    """Fork a process that dies with this one. This process must have no threads: their locks would stay locked."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    assert threads == 1, f"the fork server has {threads} threads"
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        set_death_signal(server, signal.SIGKILL)
    return pid


def _report_end(process: int, pid: int, status: int) -> None:
    """Send the exit code, and only then free the id: until the code is known, tests send signals to the id."""
    end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert end is not None
    code = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
    with contextlib.suppress(BrokenPipeError):  # the test no longer listens
        os.write(status, NUMBER.pack(code))
    os.waitpid(pid, 0)
    _close([process, status])


def _become(start: Start, standard: Sequence[int]) -> None:
    """Make this process what it would be after an exec, except for the imported modules."""
    for place, descriptor in enumerate(standard):
        os.dup2(descriptor, place)
    _close([int(file.name) for file in Path("/proc/self/fd").iterdir() if int(file.name) > 2])
    os.chdir(start.folder)
    os.umask(start.umask)
    os.environ.clear()
    os.environ.update(start.environment)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if text := os.environ.get(fail_points.VARIABLE):
        global _fail_point
        _fail_point = fail_points.arm(fail_points.parse_fail_points(text))


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def main(control: str, *modules: str) -> None:
    """Serve; in a new process, run its module as `python -m` does."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C ends the tests first, and they end this process
    # Fail points are read from the environment at import. So each place gets a function that reads it later.
    fail_points.fail_point = lambda name: _fail_point(name)
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # otherwise each process's first collection would copy all of them
    start = serve(socket.socket(fileno=int(control)))
    sys.argv = [sys.argv[0], *start.arguments]
    runpy.run_module(start.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
