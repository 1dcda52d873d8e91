"""A real redis-server (or valkey-server) for the tests, which may kill, pause and restart it."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from runtime.services.ports import free_port
from tests.support.waiting import eventually

HOST = "127.0.0.1"


class RedisServer:
    """One server that stores nothing on disk; only its own pid is ever signalled."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        """Start it and wait until it listens."""
        options = ["--port", str(self.port), "--bind", HOST, "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.out").open("ab") as out:
            self._process = subprocess.Popen([self._binary, *options], stdout=out, stderr=out, cwd=self._folder)
        eventually(self._listens)
        return self

    def send(self, number: signal.Signals) -> None:
        """Signal it; after SIGSTOP it is reachable but does not respond."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it, in any state."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def need_redis() -> str:
    """Return the server's path. Without one, skip the test, or fail it if `REQUIRE_REDIS=1`."""
    if binary := shutil.which("redis-server") or shutil.which("valkey-server"):
        return binary
    if os.environ.get("REQUIRE_REDIS") == "1":
        pytest.fail("REQUIRE_REDIS=1, but there is no redis-server: apt-get install redis-server")
    pytest.skip("there is no redis-server: apt-get install redis-server")
