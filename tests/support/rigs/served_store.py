"""A store server in another process, and ways to query it."""

import contextlib
import http.client
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import msgspec

from devstack.store_server.users import StoreUser
from tests.support import CHECKOUT

SERVE = """
import os, sys
from pathlib import Path
import msgspec
from devstack.store_server import server
from devstack.store_server.users import StoreUser
users = [StoreUser("writer", "w-secret", readonly=False), StoreUser("reader", "r:secret", readonly=True)]
users += msgspec.json.decode(os.environ.get("MORE_USERS", "[]"), type=list[StoreUser])
server.CONNECTIONS_MAX = int(os.environ.get("CONNECTIONS_MAX", server.CONNECTIONS_MAX))
ready = lambda port: print(port, flush=True)
server.serve(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]), users, ready)
"""


# A reader with ClickHouse's readonly=1.
STRICT = StoreUser("strict", "s-secret", readonly=True, may_set=False)


class Served:
    """A store server in another process."""

    def __init__(self, path: Path, port: int = 0, users: Sequence[StoreUser] = (), **conditions: str) -> None:
        """Start it; ``users`` extend `writer` and `reader`, ``conditions`` are those of the store server's module.

        `CONNECTIONS_MAX` is another condition: a lower limit is reached with less work.
        """
        self.path = path
        command = [sys.executable, "-c", SERVE, str(path), str(port)]
        env = os.environ | conditions | {"MORE_USERS": msgspec.json.encode(users).decode()}
        self.process = subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the store server ended with {self.process.wait()}"
        self.port = int(line)

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of a client that may write."""
        return {"host": "127.0.0.1", "port": self.port, "username": "writer", "password": "w-secret"}

    def client(self, **options: Any) -> Any:
        return clickhouse_connect.get_client(**(self.options | {"autogenerate_session_id": False} | options))

    def reader(self, **options: Any) -> Any:
        return self.client(username="reader", password="r:secret", **options)

    def http(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


LOGIN = {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "w-secret"}


def ask(served: Served, sql: str | bytes = b"", method: str = "POST", login: Any = LOGIN, **params: str) -> Any:
    """Send one raw request on a new connection; return status, headers and body."""
    connection = served.http()
    with contextlib.closing(connection):
        connection.request(method, "/?" + urlencode(params), body=sql or None, headers=login)
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def row(number: int, text: bytes) -> bytes:
    """A row of `table` as RowBinary; `text` is shorter than 128 bytes."""
    return struct.pack("<I", number) + bytes([len(text)]) + text


def wait_until(met: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if met():
            return True
        time.sleep(0.02)
    return False
