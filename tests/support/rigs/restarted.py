"""A write side on a SQLite log that refuses appends, or ends and restarts, for clients that retry."""

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from edge.tokens import issue_token
from ingest.log.sqlite.file import READ, open_for_reading
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from schemas.log.codec import decode_value
from schemas.log.records import AnyRecord
from store.fail_points import VARIABLE
from tests.support.rigs.forked import PYTHON, Forked

READY_S, DOWN_S = 120, 1.0


class Restarted:
    """The server, and how often it has ended by itself."""

    def __init__(self, folder: Path, token_key: bytes) -> None:
        self.folder, self.port, self.ended = folder, free_port(), 0
        self.token = issue_token(token_key, "alice", "acme", "agent", 3600, time.time())
        self.endpoint = f"http://127.0.0.1:{self.port}/api/v1/acme/otlp"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def start(self, fail_point: str = "", refused: int = 0) -> None:
        """Start the server and wait until it answers; a fail point such as ``name:3:kill`` ends it later."""
        arguments = [str(self.port), str(self.folder), str(refused)]
        command = [*PYTHON, "tests.support.rigs.served_by_us", *arguments]
        environment = {**os.environ, VARIABLE: fail_point}
        self._process = Forked(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while not answers_200("127.0.0.1", self.port, "/readyz", timeout_s=2):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def watch(self) -> None:
        """Start the server again, without a fail point, a moment after it ended by itself."""
        while not self._stopping.wait(0.05):
            if self._process is not None and self._process.poll() is not None:
                self.ended += 1
                time.sleep(DOWN_S)
                self.start()

    def stop(self) -> None:
        """Stop the server."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def records(self) -> list[AnyRecord]:
        """Return the durable records. The server must have stopped."""
        try:
            with closing(open_for_reading(self.folder / "log.sqlite")) as connection:
                return [decode_value(row[2]) for row in connection.execute(READ, (0, 1 << 60))]
        except sqlite3.OperationalError:
            return []


@contextmanager
def restarted(folder: Path, token_key: bytes, fail_point: str = "", refused: int = 0) -> Iterator[Restarted]:
    """Run a server that first refuses appends, or ends at the fail point and restarts a moment later."""
    server = Restarted(folder, token_key)
    server.start(fail_point, refused)
    watching = threading.Thread(target=server.watch)
    watching.start()
    try:
        yield server
    finally:
        server.stop()
        watching.join()
