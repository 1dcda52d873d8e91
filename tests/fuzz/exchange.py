"""Sending a case over sockets, in the way it says, and reading what comes back."""

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
QUIET_S = 0.4  # after so long without a byte a connection that is bent has said what it had to say
RESET = struct.pack("ii", 1, 0)


class Reply(NamedTuple):
    """One answer; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Answered(NamedTuple):
    """What came back, and when, without the time for which one of the two sides had no processor.

    ``problem`` says why a whole request has no answer.
    """

    replies: list[Reply]
    took_s: float
    problem: str = ""


class Connection:
    """Sends whole requests one after the other over one connection for as long as the server keeps it open."""

    def __init__(self, address: Address, limit_s: float, pid: int = 0) -> None:
        """``pid`` is the process that answers, as far as it is known."""
        self._address, self._limit_s, self._loop = address, limit_s, loop_of(pid)
        self._socket: socket.socket | None = None

    def ask(self, case: Case) -> Answered:
        """Send a whole request and read its answer; on a new connection where the old one has ended meanwhile."""
        was_open = self._socket is not None
        answered = self._ask(case)
        if was_open and answered.problem and answered.took_s < self._limit_s / 2:
            answered = self._ask(case)
        return answered

    def close(self) -> None:
        """Close what is open."""
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
    """A connection on which no step takes longer than ``limit_s``."""
    connection = socket.create_connection(address, timeout=limit_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send_bent(address: Address, case: Case, limit_s: float) -> Answered:
    """Send what is no whole request, part by part; whatever answers there are until it is quiet."""
    began = time.monotonic()
    heard = b""
    with contextlib.suppress(OSError), opened(address, limit_s) as connection:
        _send_parts(connection, case)
        heard = _end(connection, case, began + limit_s)
    return Answered(list(replies_in(heard, case.method)), time.monotonic() - began)


def _send(connection: socket.socket, raw: bytes) -> bool:
    """Whether the server would not take all of it; it may have answered nevertheless."""
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
    heard = bytearray()
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline and (part := connection.recv(1 << 16)):
            heard += part
    return bytes(heard)


def _read_one(connection: socket.socket, method: str) -> tuple[Reply, bool]:
    """The next answer, and whether the connection ends with it."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        return _as_reply(response), response.will_close
    finally:
        response.close()


def _as_reply(response: http.client.HTTPResponse) -> Reply:
    body = response.read()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


class _Heard(io.BytesIO):
    """Bytes that were received before, for a parser that wants a socket and closes its file."""

    def makefile(self, *_: Any) -> "_Heard":
        return self

    def close(self) -> None:
        """There is more to be read."""


def replies_in(heard: bytes, method: str = "GET") -> Iterator[Reply]:
    """Every complete answer in what a connection said."""
    stream = _Heard(heard)
    while heard[stream.tell() : stream.tell() + 5] == b"HTTP/":
        response = http.client.HTTPResponse(cast(socket.socket, stream), method=method)
        try:
            response.begin()
            yield _as_reply(response)
        except http.client.HTTPException:
            return
