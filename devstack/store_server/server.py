"""Accept connections, notice those that hang up, stop without losing a request; `serve` runs the store server."""

import logging
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from devstack.store_server.conditions import Conditions, conditions_of
from devstack.store_server.confinement import CannotConfine, confine
from devstack.store_server.engine import Engine, engine_files
from devstack.store_server.errors import StoreDirectoryInUse
from devstack.store_server.handler import StoreHandler
from devstack.store_server.pool import ConnectionPool
from devstack.store_server.users import StoreUser, Users

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
STOP_QUERIES_S = 2.5
HANG_UP_S = 1.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
CONNECTIONS_MAX = 512
_GONE = select.EPOLLRDHUP | select.EPOLLONESHOT


class DisconnectWatcher:
    """One thread that waits for hang-ups on the sockets of running queries, so that the queries can be stopped."""

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


class StoreHttpServer(ThreadingHTTPServer):
    """Accepts connections, a thread each, and counts the requests that run."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], engine: Engine, users: Users, conditions: Conditions | None = None
    ) -> None:
        self.engine = engine
        self.users = users
        self.conditions = conditions or Conditions()
        self.pool = ConnectionPool(engine)
        self.stopping = False
        self._watcher = DisconnectWatcher()
        self._requests, self._drained = 0, False
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        super().__init__(address, StoreHandler)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a request, so that stopping waits for it.

        Raises ConnectionAbortedError once stopping has waited.
        """
        with self._changed:
            if self._drained:  # the request came over an idle connection, and the engine may be closed
                raise ConnectionAbortedError
            self._requests += 1
        try:
            yield
        finally:
            with self._changed:
                self._requests -= 1
                self._changed.notify_all()

    def watch(self, connection: socket.socket, mark: str) -> AbstractContextManager[None]:
        """Stop the query with this mark if this client hangs up."""
        return self._watcher.watch(connection, lambda: self.engine.stop_queries(mark))

    def drain(self, seconds: float) -> bool:
        """Wait until no request runs, and let none begin after that; return False if some still run."""
        with self._changed:
            self._drained = self._changed.wait_for(lambda: not self._requests, seconds)
            return self._drained

    def stop(self) -> bool:
        """Let requests end, at most some seconds; stop the rest; give back what they share. Takes 9 s at most.

        Return False if a query could not be stopped: the engine then stays open until the process ends.
        """
        self.stopping = True
        self.shutdown()
        self.server_close()
        drained = self.drain(DRAIN_S)
        if not drained:
            self.engine.stop_queries()
            drained = self.drain(STOP_QUERIES_S)
        for connection in list(self._sockets):  # idle or not
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if not drained and not self.drain(HANG_UP_S):
            logger.error("a query could not be stopped; the store is left to the end of the process")
            return False
        self.release()
        return True

    def release(self) -> None:
        """Give back what requests share. No request may run."""
        self._watcher.close()
        self.pool.close()

    def server_bind(self) -> None:
        """Bind without http.server's look-up of a host name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Refuse connections beyond the limit; http.server starts a thread for each other one."""
        if len(self._sockets) >= CONNECTIONS_MAX:
            self.shutdown_request(request)
            return
        self._sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection and close it."""
        self._sockets.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (socketserver's signature)
        """Log an error, unless the client disconnected."""
        if not isinstance(sys.exc_info()[1], OSError):
            logger.exception("a connection ended in an unexpected way")


def serve(
    path: Path,
    host: str,
    port: int,
    users: Sequence[StoreUser],
    ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve the store in `path` until SIGTERM or SIGINT. Main thread only.

    `ready` receives the port once requests are answered. Exits with a message if the directory is in use. Tests set
    `conditions` in the environment. Raises OSError if the port is taken.
    """
    known, conditions = Users(users), conditions_of(os.environ)
    # The kernel may hand a signal to any thread. If all of them block it, it waits for `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    _confine(path, conditions)
    try:
        with closing(Engine(path, conditions.deduplication_window)) as engine:
            server = StoreHttpServer((host, port), engine, known, conditions)
            threading.Thread(target=server.serve_forever, name="store-server", daemon=True).start()
            try:
                ready(server.server_port)
                signal.sigwait(STOP_SIGNALS)
            finally:
                if not server.stop():
                    os._exit(0)  # an orderly exit would destroy the engine under a running query
    except StoreDirectoryInUse as error:
        raise SystemExit(str(error)) from None


def _confine(path: Path, conditions: Conditions) -> None:
    """Let no statement reach more than the store's folder. Without Landlock, only the engine's grants limit it."""
    scratch = path / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(scratch)  # where the engine makes a folder
    try:
        confine(path, [*engine_files(), *conditions.readable])
    except CannotConfine as reason:
        logger.warning("not_confined: %s; a user of the store can read every file of this account", reason)
