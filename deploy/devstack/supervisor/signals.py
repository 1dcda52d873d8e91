"""Signals of a supervisor: a request to stop, or a reason to check the processes now."""

import contextlib
import select
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Self

Handler = Callable[[int, FrameType | None], None]

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived."""


class Signals:
    """While entered, signals end `sleep` early. Main thread only: Python allows signal handlers nowhere else."""

    def __init__(self) -> None:
        self._stop_requested = False
        self._raise_at_once = False
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._awake, self._waker = (self._undo.enter_context(end) for end in socket.socketpair())
        for end in (self._awake, self._waker):
            end.setblocking(False)
        previous = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._undo.callback(signal.set_wakeup_fd, previous)
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means that SIGHUP stays ignored
                self._handle(number, self._note_stop)
        self._handle(signal.SIGCHLD, _only_wake)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def check(self) -> None:
        """Raise `StopRequested` if a stop signal arrived."""
        if self._stop_requested:
            raise StopRequested

    def sleep(self, seconds: float) -> None:
        """Sleep until the time is over or a signal arrives."""
        if select.select([self._awake], [], [], seconds)[0]:
            self._awake.recv(4096)

    @contextlib.contextmanager
    def raised_at_once(self) -> Iterator[None]:
        """Inside, a stop signal raises `StopRequested` wherever the code is: for long calls into other code."""
        self._raise_at_once = True
        try:
            self.check()
            yield
        finally:
            self._raise_at_once = False

    def _handle(self, number: signal.Signals, handler: Handler) -> None:
        self._undo.callback(signal.signal, number, signal.signal(number, handler))

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requested = True
        if self._raise_at_once:
            raise StopRequested


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: any Python handler makes SIGCHLD end `sleep`, which the default one does not."""
