"""Connections to the engine, reused by requests with the same rights, database and settings."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from devstack.store_server.engine import Engine, EngineConnection
from devstack.store_server.errors import Code, StoreError

RUNNING_MAX = 32
IDLE_MAX = 32
WAIT_S = 10.0


class UserProfile(NamedTuple):
    """What a connection was set up for, and so what it can be reused for."""

    readonly: int
    database: str
    settings: tuple[tuple[str, str], ...]


class ConnectionPool:
    """Leases connections, at most `RUNNING_MAX` at once. A connection whose query failed is not reused."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._slots = threading.BoundedSemaphore(RUNNING_MAX)
        self._lock = threading.Lock()
        self._idle: OrderedDict[EngineConnection, UserProfile] = OrderedDict()  # the least recently used first
        self._closed = False

    @contextmanager
    def lease(self, profile: UserProfile) -> Iterator[EngineConnection]:
        """Yield a connection of this profile to one request. Raises StoreError if none is free for too long."""
        if not self._slots.acquire(timeout=WAIT_S):
            raise StoreError(Code.TOO_MANY_SIMULTANEOUS_QUERIES, "Too many queries are running; try again")
        try:
            connection = self._take(profile) or self._open(profile)
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._give_back(connection, profile)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close idle connections now, and each other connection when it is returned."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, OrderedDict()
        for connection in idle:
            connection.close()

    def _take(self, profile: UserProfile) -> EngineConnection | None:
        with self._lock:
            for connection in reversed(self._idle):
                if self._idle[connection] == profile:
                    del self._idle[connection]
                    return connection
        return None

    def _open(self, profile: UserProfile) -> EngineConnection:
        connection = self._engine.connect()
        try:
            if profile.database:
                connection.query(f"USE {_quoted(profile.database, '`')}".encode())
            if profile.readonly:  # before the settings, so that the engine judges them by the rights
                connection.query(f"SET readonly = {profile.readonly}".encode())
            if assignments := ", ".join(f"{name} = {_quoted(value)}" for name, value in profile.settings):
                connection.query(f"SET {assignments}".encode())
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: EngineConnection, profile: UserProfile) -> None:
        with self._lock:
            spare = connection
            if connection.reusable and not self._closed:
                self._idle[connection] = profile
                if len(self._idle) <= IDLE_MAX:
                    return
                spare, _ = self._idle.popitem(last=False)
        spare.close()


def _quoted(text: str, mark: str = "'") -> str:
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"
