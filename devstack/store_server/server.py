"""Accept connections, and stop without losing a request; `serve` runs the store server."""

import logging
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import cached_property
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from time import monotonic
from typing import Any

from devstack.store_server.conditions import Conditions, conditions_of
from devstack.store_server.disconnects import DisconnectWatcher
from devstack.store_server.engine import Engine
from devstack.store_server.errors import StoreDirectoryInUse
from devstack.store_server.guard import Guard
from devstack.store_server.handler import StoreHandler
from devstack.store_server.pool import ConnectionPool, Sessions
from devstack.store_server.stop_signal import stop_signal
from devstack.store_server.users import StoreUser, Users

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
STOP_QUERIES_S = 2.5
HANG_UP_S = 1.0
CONNECTIONS_MAX = 512
UNKNOWN_FOR_S = 15.0
HANDSHAKE_S = 10.0


class StoreHttpServer(ThreadingHTTPServer):
    """Accepts connections, a thread each, and counts the requests that run.

    A connection without a valid credential ends after `unknown_for_s`, however busy it is. The oldest of them ends at
    once if another client needs its place.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        engine: Engine,
        users: Users,
        unknown_for_s: float = UNKNOWN_FOR_S,
        conditions: Conditions | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Encrypt connections if ``tls`` is given; it also says whether clients need a certificate."""
        self.engine = engine
        self._tls = tls
        self.users = users
        self.conditions = conditions or Conditions()
        self.pool = ConnectionPool(engine)
        self.sessions = Sessions()
        self.stopping = False
        self._watcher = DisconnectWatcher()
        self._requests, self._drained = 0, False
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._unknown_for_s = unknown_for_s
        self._unknown: dict[socket.socket, float] = {}  # when each of them ends, the oldest first
        super().__init__(address, StoreHandler)

    @cached_property
    def guard(self) -> Guard:
        """The judge of statements; it reads the engine's functions and settings once."""
        return Guard(self.engine.known())

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
        return self._watcher.watch(connection, lambda: self.engine.stop_query(mark))

    def drain(self, seconds: float) -> bool:
        """Wait until no request runs, and let none begin after that; return False if some still run."""
        with self._changed:
            self._drained = self._changed.wait_for(lambda: not self._requests, seconds)
            return self._drained

    def hang_up(self) -> None:
        """Close every connection, idle or not."""
        for connection in list(self._sockets):
            _shut(connection)

    def stop(self) -> bool:
        """Let requests end, at most some seconds; stop the rest; give back what they share. Takes 9 s at most.

        Return False if a query could not be stopped: the engine then stays open until the process ends.
        """
        self.stopping = True
        self.shutdown()
        self.server_close()
        drained = self.drain(DRAIN_S)
        if not drained:
            self.engine.stop_all_queries()
            drained = self.drain(STOP_QUERIES_S)
        self.hang_up()
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
        if len(self._sockets) >= CONNECTIONS_MAX and not self._end_oldest_unknown():
            self.shutdown_request(request)
            return
        self._sockets.add(request)
        self._unknown[request] = monotonic() + self._unknown_for_s
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, handshake included, so that a slow handshake delays no other connection."""
        if self._tls is not None and (request := self._encrypted(request, self._tls)) is None:
            return
        super().process_request_thread(request, client_address)

    def _encrypted(self, plain: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket | None:
        """Return the connection with TLS, in place of ``plain``; None if the handshake fails."""
        plain.settimeout(HANDSHAKE_S)
        wrapped = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._sockets.add(wrapped)
        self._sockets.discard(plain)
        until = self._unknown.pop(plain, None)
        try:
            if until is None:  # its place was needed, or we stop
                raise ConnectionAbortedError
            self._unknown[wrapped] = until
            wrapped.do_handshake()
        except OSError:
            self.shutdown_request(wrapped)
            return None
        return wrapped

    def let_stay(self, connection: socket.socket) -> None:
        """Let a connection with a valid credential stay: from now on only the handler's time-out ends it."""
        self._unknown.pop(connection, None)

    def service_actions(self) -> None:
        """End connections that sent no valid credential in time; called twice a second."""
        now = monotonic()
        for connection, until in list(self._unknown.items()):
            if until > now:
                return
            self._end_unknown(connection)

    def _end_oldest_unknown(self) -> bool:
        """Make room for a connection; return False if all have a valid credential."""
        return any(self._end_unknown(connection) for connection in list(self._unknown))

    def _end_unknown(self, connection: socket.socket) -> bool:
        """Shut a connection down; its thread then closes it. Return False if it has a valid credential by now."""
        if self._unknown.pop(connection, None) is None:
            return False
        self._sockets.discard(connection)
        _shut(connection)
        return True

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection and close it."""
        self._sockets.discard(request)
        self._unknown.pop(request, None)
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
    unknown_for_s: float = UNKNOWN_FOR_S,
) -> None:
    """Serve the store in `path` until SIGTERM or SIGINT. Main thread only.

    `ready` receives the port once requests are answered. Exits with a message if the directory is in use. Tests set
    `conditions` in the environment. Raises OSError if the port is taken.
    """
    known, conditions = Users(users), conditions_of(os.environ)
    try:
        with stop_signal() as wait, closing(Engine(path, known.profiles, conditions.deduplication_window)) as engine:
            server = StoreHttpServer((host, port), engine, known, unknown_for_s, conditions)
            threading.Thread(target=server.serve_forever, name="store-server", daemon=True).start()
            try:
                ready(server.server_port)
                wait()
            finally:
                if not server.stop():
                    os._exit(0)  # an orderly exit would destroy the engine under a running query
    except StoreDirectoryInUse as error:
        raise SystemExit(str(error)) from None


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # under TLS, which another thread is using
