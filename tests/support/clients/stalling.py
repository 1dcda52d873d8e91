"""Clients that send most of a body and then stall, as slowly as the service permits."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import httpx

from schemas.http.requests import BODY_BYTES_MAX
from tests.support.clients.background import Background

SENT_AT_ONCE = BODY_BYTES_MAX * 99 // 100
BYTE_EVERY_S = 2.0


class StallingClients(Background):
    """``with StallingClients(…):`` keeps ``bodies`` requests of this org open without an end, until the block ends."""

    def __init__(self, connect: Callable[[], httpx.Client], org: str, bodies: int) -> None:
        super().__init__()
        self._connect, self._path = connect, f"/api/v1/{org}/sessions"
        self._threads = [threading.Thread(target=self._stall) for _ in range(bodies)]

    def _stall(self) -> None:
        with self._connect() as http:
            while not self._stop.is_set():
                with contextlib.suppress(httpx.HTTPError):  # refused for being slow: try again
                    http.post(self._path, content=self._body(), headers={"Content-Type": "application/json"})

    def _body(self) -> Iterator[bytes]:
        """Yield only spaces, so that the service has nothing to store."""
        yield b" " * SENT_AT_ONCE
        while not self._stop.wait(BYTE_EVERY_S):
            yield b" "
