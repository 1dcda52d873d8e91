"""Notice clients that disconnect while their query runs, so that the query can be stopped."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_GONE = select.EPOLLRDHUP | select.EPOLLONESHOT


class DisconnectWatcher:
    """One thread that waits for hang-ups on the sockets of running queries."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lock = threading.Lock()
        self._watched: dict[int, Callable[[], None]] = {}
        self._wake, self._woken = socket.socketpair()
        self._epoll.register(self._woken, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="store-server-disconnects", daemon=True)
        self._thread.start()

    @contextmanager
    def watch(self, connection: socket.socket, on_gone: Callable[[], None]) -> Iterator[None]:
        """Call `on_gone` if the client hangs up inside the block, never after it."""
        descriptor = connection.fileno()
        with self._lock:
            self._watched[descriptor] = on_gone
            self._epoll.register(descriptor, _GONE)
        try:
            yield
        finally:
            with self._lock:
                self._watched.pop(descriptor, None)
                self._epoll.unregister(descriptor)

    def close(self) -> None:
        """End the thread."""
        self._wake.close()
        self._thread.join()
        self._epoll.close()
        self._woken.close()

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._woken.fileno():
                    return
                # Under the lock, so that the query that is stopped is the one that was watched.
                with self._lock:
                    if on_gone := self._watched.pop(descriptor, None):
                        on_gone()
