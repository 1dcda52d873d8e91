"""Start and stop the store server."""

import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from time import monotonic
from typing import Any

from deploy.devstack.store_server.conditions import Conditions, conditions_of
from deploy.devstack.store_server.disconnects import DisconnectWatcher
from deploy.devstack.store_server.engine import Engine
from deploy.devstack.store_server.errors import StoreDirectoryInUse
from deploy.devstack.store_server.guard import Guard
from deploy.devstack.store_server.handler import StoreHandler
from deploy.devstack.store_server.pool import ConnectionPool, Sessions
from deploy.devstack.store_server.users import StoreUser, Users

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
STOP_QUERIES_S = 2.5
HANG_UP_S = 1.0
CONNECTIONS_MAX = 512
UNKNOWN_FOR_S = 15.0
HANDSHAKE_S = 10.0


class StoreHttpServer(ThreadingHTTPServer):
    """Accepts connections, a thread each, and knows which requests are under way.

    A connection over which no valid credential comes ends after `unknown_for_s`, however busy it is, and the oldest of
    them at once where its place is needed.
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
        """With ``tls`` connections are encrypted; it also says whether clients need a certificate."""
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
        self._unknown: dict[socket.socket, float] = {}  # until when they may stay, the oldest first
        super().__init__(address, StoreHandler)

    @cached_property
    def guard(self) -> Guard:
        """Judges statements; asks the engine once for its functions and settings."""
        return Guard(self.engine.known())

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Marks a request as under way, so that stopping waits for it.

        Raises ConnectionAbortedError once stopping has waited.
        """
        with self._changed:
            if self._drained:  # it was read from a connection that was idle a moment ago, and the engine may be closed
                raise ConnectionAbortedError
            self._requests += 1
        try:
            yield
        finally:
            with self._changed:
                self._requests -= 1
                self._changed.notify_all()

    def watch(self, connection: socket.socket, mark: str) -> AbstractContextManager[None]:
        """Stop the query marked so if this client hangs up."""
        return self._watcher.watch(connection, lambda: self.engine.stop_query(mark))

    def drain(self, seconds: float) -> bool:
        """Wait until no request is under way, and let none begin from then on; False if some still are."""
        with self._changed:
            self._drained = self._changed.wait_for(lambda: not self._requests, seconds)
            return self._drained

    def hang_up(self) -> None:
        """Close every connection, idle or not."""
        for connection in list(self._sockets):
            _shut(connection)

    def release(self) -> None:
        """Give back what requests share. None may be under way."""
        self._watcher.close()
        self.pool.close()

    def server_bind(self) -> None:
        """Bind without http.server's look-up of a host name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Refuse what is beyond the limit; http.server starts a thread for the rest."""
        if len(self._sockets) >= CONNECTIONS_MAX and not self._end_oldest_unknown():
            self.shutdown_request(request)
            return
        self._sockets.add(request)
        self._unknown[request] = monotonic() + self._unknown_for_s
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection; its handshake is here, so that a slow one holds up no other."""
        if self._tls is not None and (request := self._encrypted(request, self._tls)) is None:
            return
        super().process_request_thread(request, client_address)

    def _encrypted(self, plain: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket | None:
        """The connection with TLS, in the place of ``plain``; None where the handshake fails."""
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
        """A valid credential came over this connection: from now on it has the handler's time-out alone."""
        self._unknown.pop(connection, None)

    def service_actions(self) -> None:
        """End connections that stayed unknown for too long; called twice a second."""
        now = monotonic()
        for connection, until in list(self._unknown.items()):
            if until > now:
                return
            self._end_unknown(connection)

    def _end_oldest_unknown(self) -> bool:
        """Make room for a connection; False if all are known."""
        return any(self._end_unknown(connection) for connection in list(self._unknown))

    def _end_unknown(self, connection: socket.socket) -> bool:
        """Its thread then finds the end of the connection, and closes it. False if it is known by now."""
        if self._unknown.pop(connection, None) is None:
            return False
        self._sockets.discard(connection)
        _shut(connection)
        return True

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        self._sockets.discard(request)
        self._unknown.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (socketserver's signature)
        """Log an error, unless it is a client that went away."""
        if not isinstance(sys.exc_info()[1], OSError):
            logger.exception("a connection ended in an unexpected way")


class StoreServer:
    """A store server in a thread of this process. `port` is the one it listens on once started."""

    def __init__(
        self,
        path: Path,
        users: Sequence[StoreUser],
        host: str = "127.0.0.1",
        port: int = 0,
        unknown_for_s: float = UNKNOWN_FOR_S,
        conditions: Conditions | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._path, self._users, self._unknown_for_s, self._tls = path, Users(users), unknown_for_s, tls
        self.conditions = conditions or Conditions()
        self.host, self.port = host, port
        self._server: StoreHttpServer | None = None
        self._engine: Engine | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> "StoreServer":
        """Open the store and listen. Raises StoreDirectoryInUse, or OSError if the port is taken."""
        self._engine = Engine(self._path, self._users.profiles, self.conditions.deduplication_window)
        try:
            self._server = StoreHttpServer(
                (self.host, self.port), self._engine, self._users, self._unknown_for_s, self.conditions, self._tls
            )
        except OSError:
            self._engine.close()
            raise
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="store-server", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> bool:
        """Let requests end, at most some seconds; stop what still runs; close the store. Takes 9 s at most.

        False if a query could not be stopped: then the store is still open, and ends with the process.
        """
        server, engine = self._server, self._engine
        if server is None or engine is None:
            return True
        self._server = self._engine = None
        server.stopping = True
        server.shutdown()
        server.server_close()
        drained = server.drain(DRAIN_S) or _stop_queries(server, engine)
        server.hang_up()
        if drained or server.drain(HANG_UP_S):
            server.release()
            engine.close()
            return True
        logger.error("a query could not be stopped; the store is left to the end of the process")
        return False

    def __enter__(self) -> "StoreServer":
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()


def serve(
    path: Path,
    host: str,
    port: int,
    users: Sequence[StoreUser],
    ready: Callable[[int], None] | None = None,
    unknown_for_s: float = UNKNOWN_FOR_S,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve the store in `path` until SIGTERM or SIGINT (in the main thread; elsewhere for ever).

    `ready` is called with the port once requests are answered. Exits with a message if the directory is in use. Tests
    name `conditions` in the environment.
    """
    ended = threading.Event()
    before = _on_signals(lambda *_: ended.set())
    server = StoreServer(path, users, host, port, unknown_for_s, conditions_of(os.environ), tls)
    try:
        server.start()
        if ready:
            ready(server.port)
        ended.wait()
    except StoreDirectoryInUse as error:
        raise SystemExit(str(error)) from None
    finally:
        if not server.stop():
            os._exit(0)  # an orderly exit would destroy the engine under a running query
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signals(end: Callable[..., None]) -> dict[int, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}


def _stop_queries(server: StoreHttpServer, engine: Engine) -> bool:
    engine.stop_all_queries()
    return server.drain(STOP_QUERIES_S)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # under TLS, which another thread is using
