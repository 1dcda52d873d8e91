"""Send a case over sockets, and read the responses."""

import contextlib
import http.client
import io
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from tests.fuzz.case import Case
from tests.fuzz.processor import Stalls, loop_of

Address = tuple[str, int]
QUIET_S = 0.4  # a malformed exchange is over after this long without a byte
RESET = struct.pack("ii", 1, 0)


class Reply(NamedTuple):
    """One response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Answered(NamedTuple):
    """The responses and their duration, without the time for which the client or the service had no CPU.

    ``problem`` says why a whole request has no response.
    """

    replies: list[Reply]
    took_s: float
    problem: str = ""


class Connection:
    """Sends whole requests one after the other over one connection, as long as the server keeps it open."""

    def __init__(self, address: Address, limit_s: float, pid: int = 0) -> None:
        """Set up a connection; ``pid`` is the process that responds, 0 if it is unknown."""
        self._address, self._limit_s, self._loop = address, limit_s, loop_of(pid)
        self._socket: socket.socket | None = None

    def ask(self, case: Case) -> Answered:
        """Send a whole request and read its response; reconnect if the server has closed the connection."""
        was_open = self._socket is not None
        answered = self._ask(case)
        if was_open and answered.problem and answered.took_s < self._limit_s / 2:
            answered = self._ask(case)
        return answered

    def close(self) -> None:
        """Close the connection if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, case: Case) -> Answered:
        began, stalls = time.monotonic(), Stalls(self._loop)
        try:
            connection = self._open()
            refused = _send(connection, case.raw)
            reply, is_over = _read_one(connection, case.method)
            if is_over or refused:
                self.close()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answered([], time.monotonic() - began, f"{type(error).__name__}: {error}")
        return Answered([reply], time.monotonic() - began - max(stalls.own_s, stalls.loop_s))

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = opened(self._address, self._limit_s)
        return self._socket


def opened(address: Address, limit_s: float) -> socket.socket:
    """Return a connection on which no step takes longer than ``limit_s``."""
    connection = socket.create_connection(address, timeout=limit_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send_malformed(address: Address, case: Case, limit_s: float) -> Answered:
    """Send a malformed request part by part, and return the responses that arrive until the connection is quiet."""
    began = time.monotonic()
    received = b""
    with contextlib.suppress(OSError), opened(address, limit_s) as connection:
        _send_parts(connection, case)
        received = _end(connection, case, began + limit_s)
    return Answered(list(replies_in(received, case.method)), time.monotonic() - began)


def _send(connection: socket.socket, raw: bytes) -> bool:
    """Send all of it; return whether the server stopped reading, although it may still have responded."""
    try:
        connection.sendall(raw)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def _send_parts(connection: socket.socket, case: Case) -> None:
    for number, part in enumerate(case.parts()):
        if number:
            time.sleep(case.pause_s)
        if _send(connection, part):
            return


def _end(connection: socket.socket, case: Case, deadline: float) -> bytes:
    if case.ending == "hold":
        time.sleep(case.pause_s)
    if case.ending == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return b""
    if case.ending == "half_close":
        connection.shutdown(socket.SHUT_WR)
    return _heard(connection, deadline)


def _heard(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(QUIET_S)
    received = bytearray()
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline and (part := connection.recv(1 << 16)):
            received += part
    return bytes(received)


def _read_one(connection: socket.socket, method: str) -> tuple[Reply, bool]:
    """Return the next response, and whether the connection ends with it."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        return _as_reply(response), response.will_close
    finally:
        response.close()


def _as_reply(response: http.client.HTTPResponse) -> Reply:
    body = response.read()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


class _ReceivedBytes(io.BytesIO):
    """Bytes that were received before, for a parser that expects a socket and closes its file."""

    def makefile(self, *_: Any) -> "_ReceivedBytes":
        return self

    def close(self) -> None:
        """Stay open: there is more to read."""


def replies_in(received: bytes, method: str = "GET") -> Iterator[Reply]:
    """Yield every complete response in the received bytes."""
    stream = _ReceivedBytes(received)
    while received[stream.tell() : stream.tell() + 5] == b"HTTP/":
        response = http.client.HTTPResponse(cast(socket.socket, stream), method=method)
        try:
            response.begin()
            yield _as_reply(response)
        except http.client.HTTPException:
            return
