"""Wait for a stop signal in a process with the engine's threads."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signal() -> Iterator[Callable[[], object]]:
    """Inside, note SIGTERM and SIGINT; yield the function that waits until one came. Main thread only.

    The kernel may hand a signal to a thread of the engine. Python then runs no handler before the main thread runs
    again, and a lock does not wake it; what the C handler writes to a socket does.
    """
    heard, told = socket.socketpair()
    with heard, told:
        told.setblocking(False)
        woken = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)  # before there is a handler to miss it
        before = {number: signal.signal(number, lambda *_: None) for number in STOP_SIGNALS}
        try:
            yield partial(heard.recv, 1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken)
